"""The pages, styles and scripts that the collector serves: data only."""
