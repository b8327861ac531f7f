// A training or teaching job on the server: its Start and Stop buttons and its events.

import { ask } from "./api.js";
import { find, trying } from "./dom.js";

export class Job {
  id = null; // of the running job
  isStopping = false;

  // `name` completes the buttons' ids, start-NAME and stop-NAME. The functions: `started` is called with the job, `step` with each
  // event, or with null when all events come again, `stopping` when a person stops it, `ended` with the job as it ended.
  constructor(name, { started, step, stopping, ended }) {
    this.start = find(`start-${name}`);
    this.stop = find(`stop-${name}`);
    this.started = started;
    this.step = step;
    this.stopping = stopping;
    this.ended = ended;
    this.stop.addEventListener("click", () => trying(() => this.end()));
  }

  async resume(kind) {
    const job = await ask("v1/jobs/last");
    if (job?.kind === kind && job.status === "running" && job.id !== this.id) this.follow(job);
  }

  follow(job) {
    this.id = job.id;
    this.show();
    this.started(job);
    const source = new EventSource(`v1/jobs/${job.id}/events`);
    let isReconnected = false;
    source.onopen = () => {
      if (isReconnected) this.step(null);
      isReconnected = true;
    };
    source.onmessage = (event) => this.step(JSON.parse(event.data));
    source.addEventListener("end", (event) => {
      source.close();
      this.id = null;
      this.isStopping = false;
      if (document.activeElement === this.stop) this.start.focus();
      this.show();
      this.ended(JSON.parse(event.data));
    });
  }

  async end() {
    this.isStopping = true;
    this.show();
    this.stopping();
    try {
      await ask(`v1/jobs/${this.id}`, { method: "DELETE" });
    } catch (error) {
      this.isStopping = false;
      this.show();
      throw error;
    }
  }

  show() {
    this.start.disabled = this.id !== null;
    this.stop.hidden = this.id === null;
    this.stop.disabled = this.isStopping;
  }
}
