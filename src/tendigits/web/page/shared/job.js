// A training or teaching job on the server: its Start and Stop buttons and its events.

import { ask } from "./api.js";
import { find, trying } from "./dom.js";

// `name` completes the buttons' ids, start-NAME and stop-NAME. The functions: `started` is called with the job, `step` with each
// event, or with null when all events come again, `stopping` when a person stops it, `ended` with the job as it ended.
export function startJob(name, { started, step, stopping, ended }) {
  const [start, stop] = [find(`start-${name}`), find(`stop-${name}`)];
  const running = { id: null, isStopping: false, follow, resume };
  stop.addEventListener("click", () => trying(end));

  function set(id, isStopping) {
    Object.assign(running, { id, isStopping });
    start.disabled = id !== null;
    if (id === null && document.activeElement === stop) start.focus();
    stop.hidden = id === null;
    stop.disabled = isStopping;
  }

  async function resume(kind) {
    const job = await ask("v1/jobs/last");
    if (job?.kind === kind && job.status === "running" && job.id !== running.id) follow(job);
  }

  function follow(job) {
    set(job.id, false);
    started(job);
    const source = new EventSource(`v1/jobs/${job.id}/events`);
    let isReconnected = false;
    source.onopen = () => {
      if (isReconnected) step(null);
      isReconnected = true;
    };
    source.onmessage = (event) => step(JSON.parse(event.data));
    source.addEventListener("end", (event) => {
      source.close();
      set(null, false);
      ended(JSON.parse(event.data));
    });
  }

  async function end() {
    set(running.id, true);
    stopping();
    try {
      await ask(`v1/jobs/${running.id}`, { method: "DELETE" });
    } catch (error) {
      set(running.id, false);
      throw error;
    }
  }

  return running;
}
