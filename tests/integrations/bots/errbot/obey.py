"""An errbot plugin that obeys the bot's users."""

import time
from concurrent.futures import ThreadPoolExecutor

from errbot import BotPlugin, botcmd, re_botcmd

import botwatch

pool = ThreadPoolExecutor(1)


class Obey(BotPlugin):
    @botcmd
    def hello(self, msg, args):
        return f"hello {msg.frm.nick}"

    @re_botcmd(pattern="^slow$", prefixed=True)
    def slow(self, msg, match):
        time.sleep(0.3)
        return "at last"

    @botcmd
    def twice(self, msg, args):
        yield "one"
        yield "two"

    @botcmd
    def pool(self, msg, args):
        to = msg.frm.room if msg.is_group else msg.frm
        pool.submit(botwatch.carry(self.send), to, "from a pool").result()

    @botcmd
    def notify(self, msg, args):
        self.send(self.build_identifier("Owner"), "somebody was here")

    @botcmd
    def crash(self, msg, args):
        raise RuntimeError("as the test wants it")
