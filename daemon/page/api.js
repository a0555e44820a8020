// The service over this page's own door: the token, requests, streams.

const kept = "hearth-token";
let token = null;

/** What the service refused, with its code and what to do about it. */
export class Failure extends Error {
  constructor(text, code, hint) {
    super(text);
    this.code = code;
    this.hint = hint;
  }
}

const failure = (body, status) =>
  new Failure(body?.error?.message ?? body?.error ?? `The service answered with status ${status}.`, body?.code, body?.hint);

/**
 * Takes the one-time ticket out of the address bar and changes it for a token, which this tab keeps for reloads.
 * @return whether there is a token
 */
export async function enter() {
  const ticket = /^#t=([\w-]+)$/.exec(location.hash)?.[1];
  if (ticket) {
    history.replaceState(null, "", "/");
    const answer = await send("POST", "/session", { ticket });
    token = (await answer.json()).token;
    sessionStorage.setItem(kept, token);
  } else {
    token = sessionStorage.getItem(kept);
  }
  return token !== null;
}

async function send(method, path, body, signal) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, {
      method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "omit", cache: "no-store", redirect: "error", mode: "same-origin",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("The service does not answer.", "unreachable", "hearth open starts it and opens this page anew.");
  }
  if (answer.ok) return answer;
  const failed = failure(await answer.json().catch(() => null), answer.status);
  if (answer.status === 401) {
    sessionStorage.removeItem(kept);
    failed.code = "closed";
  }
  throw failed;
}

/** One answer, as JSON. */
export async function ask(method, path, body, signal) {
  const text = await (await send(method, path, body, signal)).text();
  return text ? JSON.parse(text) : null;
}

async function* pieces(answer, separator) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const parts = (rest + value).split(separator);
      rest = parts.pop();
      yield* parts;
    }
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("The connection to the service broke.", "unreachable", "Is it still running? hearth status tells.");
  } finally {
    reader.cancel().catch(() => {});
  }
  if (rest.trim()) yield rest;
}

/** The lines of an NDJSON answer, as objects. A line with an error ends it as a Failure. */
export async function* stream(method, path, body, signal) {
  for await (const line of pieces(await send(method, path, body, signal), "\n")) {
    const value = JSON.parse(line);
    if (value.error) throw failure(value);
    yield value;
  }
}

/** The service's events, as objects; ends when the connection does. */
export async function* events(signal) {
  for await (const event of pieces(await send("GET", "/hearth/v1/events", undefined, signal), "\n\n")) {
    const data = /^data: (.*)$/m.exec(event)?.[1];
    if (data) yield JSON.parse(data);
  }
}
