// Talking to the server of this page: every request carries the token of the address that was opened.

const token = new URLSearchParams(location.search).get("token") ?? "";

export async function ask(path, body, kind = "json") {
  const options = { headers: { "X-KineBench-Token": token } };
  if (body !== undefined) {
    options.method = "POST";
    options.body = body instanceof Blob ? body : JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch("/api/" + path, options);
  } catch {
    throw new Error("the studio does not answer; is kinebench studio still running?");
  }
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Error(said.error ?? `the studio answers ${answer.status}`);
  }
  return kind === "json" ? answer.json() : answer.blob();
}
