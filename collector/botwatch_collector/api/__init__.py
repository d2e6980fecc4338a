"""Views for programs: each translates a request to a call of the domain, and back."""
