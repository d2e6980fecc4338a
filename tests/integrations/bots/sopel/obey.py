"""A sopel plugin that obeys the bot's users."""

import time
from concurrent.futures import ThreadPoolExecutor

from sopel import plugin

import botwatch

pool = ThreadPoolExecutor(1)


@plugin.command("hello")
def hello(bot, trigger):
    bot.say(f"hello {trigger.nick}")


@plugin.command("slow")
def slow(bot, trigger):
    time.sleep(0.3)
    bot.reply("at last")


@plugin.command("twice")
@plugin.thread(False)
def twice(bot, trigger):
    bot.action("nods")
    bot.notice("two")


@plugin.command("pool")
def from_a_pool(bot, trigger):
    pool.submit(botwatch.carry(bot.say), "from a pool").result()


@plugin.command("notify")
def notify(bot, trigger):
    bot.say("somebody was here", "Owner")


@plugin.command("crash")
def crash(bot, trigger):
    raise RuntimeError("as the test wants it")
