// What a job says while it runs, from its server-sent events; works also for a job that has ended.

export function follow(job, { line, end }) {
  const source = new EventSource(`v1/jobs/${job.id}/events`);
  source.onmessage = (event) => line(JSON.parse(event.data));
  source.addEventListener("end", (event) => {
    source.close();
    end(JSON.parse(event.data));
  });
  let replays = false;
  source.onopen = () => { // the browser connects anew by itself, and all is told again
    if (replays) line(null);
    replays = true;
  };
  return () => source.close();
}
