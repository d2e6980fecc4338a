"""A Limnoria plugin that obeys the bot's users."""

import time
from concurrent.futures import ThreadPoolExecutor

from supybot import callbacks, commands, conf, ircmsgs

import botwatch

botwatch.start(linger_s=0.05)
pool = ThreadPoolExecutor(1)


class Obey(callbacks.Plugin):
    """Obeys."""

    def hello(self, irc, msg, args):
        """takes no arguments

        Greets."""
        irc.reply(f"hello {msg.nick}", prefixNick=False)

    def slow(self, irc, msg, args):
        """takes no arguments

        Answers from a thread of its own."""
        time.sleep(0.3)
        irc.reply("at last")

    slow = commands.thread(slow)

    def twice(self, irc, msg, args):
        """takes no arguments

        Answers twice."""
        irc.reply("nods", action=True)
        irc.reply("two", notice=True, prefixNick=False)

    def pool(self, irc, msg, args):
        """takes no arguments

        Answers from a pool."""
        pool.submit(botwatch.carry(irc.reply), "from a pool", prefixNick=False).result()

    def notify(self, irc, msg, args):
        """takes no arguments

        Tells the owner."""
        irc.queueMsg(ircmsgs.privmsg("Owner", "somebody was here"))
        irc.noReply()

    def crash(self, irc, msg, args):
        """takes no arguments

        Crashes."""
        raise RuntimeError("as the test wants it")


Class = Obey
conf.registerPlugin("Obey")
