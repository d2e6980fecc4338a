"""A discord.py bot that obeys its users. Argument: the address of the Discord it lives in."""

import asyncio
import sys

import discord
import yarl
from discord import app_commands
from discord.ext import commands

import botwatch

OWNER = 999
bot = commands.Bot("!", intents=discord.Intents.all())
tasks = set()


@bot.event
async def on_message(message: discord.Message) -> None:
    if message.author.bot or message.content.startswith("!"):
        return await bot.process_commands(message)
    channel = message.channel
    match message.content:
        case "silence":
            return None
        case "slow":
            await asyncio.sleep(0.3)
            await channel.send("at last")
        case "twice":
            await channel.send("one")
            await message.reply("two")
        case "edit":
            answer = await channel.send("thinking")
            await answer.edit(content="thought")
        case "typing":
            await channel.typing()
        case "task":
            task = asyncio.create_task(later(channel))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        case "tell the owner":
            await (await bot.create_dm(discord.Object(OWNER))).send("somebody was here")
        case "privately":
            await message.author.send("between us")
        case "fail":
            await fail(channel)
        case "crash":
            raise RuntimeError("as the test wants it")
        case text:
            await channel.send(f"you said {text}")
    return None


async def later(channel: discord.TextChannel) -> None:
    await asyncio.sleep(0.2)
    await channel.send("from a task")


async def fail(channel: discord.TextChannel) -> None:
    try:
        await channel.send("unreachable")
    except discord.Forbidden:
        await channel.send("reached at last")


@bot.command()
async def crash(_context: commands.Context) -> None:
    raise ZeroDivisionError("as the test wants it")


@bot.command()
async def hello(context: commands.Context) -> None:
    await context.send("hello to you")


@bot.tree.command()
async def order(interaction: discord.Interaction, option0: str) -> None:
    """Respond and follow up."""
    await interaction.response.send_message(f"ordered {option0}")
    await interaction.followup.send("anything else?")


@bot.tree.command()
async def think(interaction: discord.Interaction) -> None:
    """Answer late, and say more in the channel."""
    await interaction.response.defer(thinking=True)
    await asyncio.sleep(0.3)
    await interaction.edit_original_response(content="thought")
    await interaction.channel.send("and said")


@bot.tree.command()
async def fall(_interaction: discord.Interaction) -> None:
    """Raise."""
    raise LookupError("as the test wants it")


class Menu(discord.ui.View):
    @discord.ui.button(label="Tea", custom_id="tea")
    async def tea(self, interaction: discord.Interaction, _button: discord.ui.Button) -> None:
        await interaction.response.edit_message(content="you chose tea", view=None)


@bot.tree.command()
async def menu(interaction: discord.Interaction) -> None:
    """Show a button."""
    await interaction.response.send_message("choose", view=Menu())


@bot.tree.error
async def on_tree_error(_interaction: discord.Interaction, _error: app_commands.AppCommandError) -> None:
    """The bot's own word on errors stays the last one."""


if __name__ == "__main__":
    discord.http.Route.BASE = f"{sys.argv[1]}/api"
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(
        f"{sys.argv[1]}/gateway".replace("http", "ws")
    )
    botwatch.start(linger_s=0.1)
    botwatch.attach(bot)
    botwatch.attach(bot)
    bot.run("token-of-no-bot", log_handler=None)
