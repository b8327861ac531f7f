// Follow a job by its server-sent events; works for finished jobs, too.

export function follow(job, { line, end }) {
  const source = new EventSource(`v1/jobs/${job.id}/events`);
  source.onmessage = (event) => line(JSON.parse(event.data));
  source.addEventListener("end", (event) => {
    source.close();
    end(JSON.parse(event.data));
  });
  let replays = false;
  source.onopen = () => { // after a lost connection the browser reconnects and gets all events again
    if (replays) line(null);
    replays = true;
  };
  return () => source.close();
}
