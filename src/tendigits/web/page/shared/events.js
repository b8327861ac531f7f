// Follow a job by its server-sent events, also one that has finished.

// `step` is called with each event, and with null when the connection was lost and all events come again; `end` with the
// job as it ended.
export function follow(job, { step, end }) {
  const source = new EventSource(`v1/jobs/${job.id}/events`);
  let isReconnected = false;
  source.onopen = () => {
    if (isReconnected) step(null);
    isReconnected = true;
  };
  source.onmessage = (event) => step(JSON.parse(event.data));
  source.addEventListener("end", (event) => {
    source.close();
    end(JSON.parse(event.data));
  });
}
