"""In place of the playground's process: it answers at once, without Keras."""

STAND_IN = r"""
import json, sys
asked = []
def send(**message): print(json.dumps(message), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    do, number = request["do"], request["id"]
    asked.append(do)
    answer = {"result": request}
    if do == "build":
        send(event="tick", network=request["network"], data={"status": "paused", "steps": 0})
        answer = {"result": {"layers": [8, 10]}}
    elif do == "many":
        for steps in range(500):
            send(event="tick", network="a", data={"status": "running", "steps": steps})
    elif do == "draw":
        answer = {"result": {"a": request}}
    elif do == "compare":
        answer = {"error": "there is no network 'b'; make it first"}
    elif do == "list":
        answer = {"result": asked}
    elif do == "reset":
        open(sys.argv[1]).read()  # until the test has opened and closed this pipe
    elif do == "pause":
        sys.exit("first line\nMemoryError: too large")
    send(id=number, **answer)
"""
