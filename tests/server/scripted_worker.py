"""A worker that speaks the protocol and does as it is told: it answers with the request, or fails in a named way.

What it is told stands in ``version_id``: ``crash`` ends it, ``switched`` tells that another backend is meant,
``silent`` never answers, ``log`` writes a log first, the code of an error raises that error. Of everything that is
watched it tells a change whenever a run is stopped; a run called ``unwatchable`` cannot be watched. ``asked`` tells how
often each method was asked for.
"""

import json
import os
import socket
import sys
import threading
import time

SECRET = "Bearer abcdefghijklmnop0123456789"


def main():
    if os.environ.get("SCRIPTED_WORKER") == "dies":
        print("ImportError: no module named kfp", SECRET, file=sys.stderr, flush=True)
        sys.exit(3)
    time.sleep(float(os.environ.get("SCRIPTED_WORKER_PAUSE", "0")))
    connection = socket.socket(fileno=int(sys.argv[2]))
    stream = connection.makefile("rwb")
    lock = threading.Lock()

    def send(message):
        with lock:
            stream.write(json.dumps(message).encode() + b"\n")
            stream.flush()

    send({"ready": {"kfp": "1.7.0", "kfops": "0", "python": "3.11.0"}})
    cancelled, watches, asked = [], [], {}
    for line in stream:
        message = json.loads(line)
        if "cancel" in message:
            cancelled.append(message["cancel"])
            watches = [watch for watch in watches if watch != message["cancel"]]
            asked["cancelled"] = len(cancelled)
            continue
        number, method, params = message["id"], message["method"], message["params"]
        asked[method] = asked.get(method, 0) + 1
        told = params.get("version_id", "")
        if told == "crash":
            print("Fatal: out of luck", SECRET, file=sys.stderr, flush=True)
            os._exit(7)
        elif told == "silent":
            pass
        elif told == "switched":
            for watch in watches:
                send({"id": watch, "log": "switched\n"})
            send({"id": number, "result": {}})
        elif told == "log":
            send({"id": number, "log": "one\n"})
            send({"id": number, "log": f"two {SECRET}\n"})
            send({"id": number, "result": {"method": method, "params": params}})
        elif told == "cancelled":
            send({"id": number, "result": cancelled})
        elif told.startswith("error-"):
            code = told[len("error-") :].replace("-", "_")
            error = {
                "code": code,
                "message": f"No: {SECRET}",
                "why": "Because.",
                "remedy": "Stop.",
                "details": {"a": 1},
            }
            send({"id": number, "error": error})
        elif method in ("runs.watch", "steps.watch") and params["run_id"] != "unwatchable":
            watches.append(number)
            send({"id": number, "log": "changed\n"})
        elif method == "runs.watch" or params.get("run_id") == "unwatchable":
            send({"id": number, "error": {"code": "not_found", "message": "No such run."}})
        elif method == "steps.log" and params["run_id"] == "long":
            line, at = params["offset"] // 7, params["offset"]
            part = {"text": f"line {line}\n", "offset": at, "next_offset": at + 7, "complete": line == 4}
            send({"id": number, "result": part})
        elif told == "asked":
            send({"id": number, "result": asked})
        elif method == "status":
            if os.environ.get("SCRIPTED_WORKER") == "connects slowly":
                time.sleep(1)
            send({"id": number, "result": {"kind": "embedded", "host": "http://127.0.0.1:1", "error": None}})
        else:
            for watch in watches if method == "runs.stop" else ():
                send({"id": watch, "log": "changed\n"})
            send({"id": number, "result": {"method": method, "params": params}})


main()
