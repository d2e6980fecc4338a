"""A Bolt app that obeys its users, behind Flask. Argument: the address of the Slack it lives in."""

import sys
import threading
import time

from flask import Flask, request
from slack_bolt import App
from slack_bolt.adapter.flask import SlackRequestHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_words import SECRET, announce
from werkzeug.serving import WSGIRequestHandler, make_server

import botwatch

OWNER = "U999"
client = WebClient("xoxb-token-of-no-bot", base_url=f"{sys.argv[1]}/api/")
app = App(client=client, signing_secret=SECRET)
botwatch.start(linger_s=0.1)
botwatch.attach(app)
botwatch.attach(app)


@app.event("message")
@app.event("app_mention")
def obey(event, say, client):
    match event["text"]:
        case "silence":
            return
        case "slow":
            time.sleep(0.3)
            say("at last")
        case "twice":
            say("one")
            say("two")
        case "edit":
            answer = say("thinking")
            client.chat_update(channel=answer["channel"], ts=answer["ts"], text="thought")
        case "task":
            threading.Timer(0.2, say, ["from a task"]).start()
        case "tell the owner":
            app.client.chat_postMessage(channel=OWNER, text="somebody was here")
        case "who am i":
            say("you are " + client.users_info(user=event["user"])["user"]["profile"]["display_name"])
        case "fail":
            try:
                say("unreachable")
            except SlackApiError:
                say("reached at last")
        case "crash":
            raise RuntimeError("as the test wants it")
        case text:
            say(f"you said {text}")


@app.command("/order")
def order(ack, respond, command):
    ack(f"ordered {command['text']}")
    respond("anything else?")


@app.action("tea")
def tea(ack, respond):
    ack()
    respond(text="you chose tea", replace_original=True)


class Silent(WSGIRequestHandler):
    def log(self, *_):
        pass


if __name__ == "__main__":
    flask = Flask(__name__)
    flask.post("/")(lambda: SlackRequestHandler(app).handle(request))
    server = make_server("127.0.0.1", 0, flask, threaded=True, request_handler=Silent)
    announce(sys.argv[1], server.server_port)
    server.serve_forever()
