// `fetch` over a Unix socket, as an app hands it to a client that knows only TCP.
import http from "node:http";
import { Readable } from "node:stream";

const bodiless = [204, 304];

export function socketFetch(socketPath) {
  return (url, { method = "GET", headers, body, signal } = {}) =>
    new Promise((resolve, reject) => {
      const { pathname, search } = new URL(url);
      const fields = Object.fromEntries(new Headers(headers));
      if (body) fields["content-length"] = Buffer.byteLength(body); // node frames no body of a DELETE by itself
      const request = http.request({ socketPath, path: pathname + search, method, headers: fields }, (answer) => {
        signal?.addEventListener("abort", () => answer.destroy(signal.reason));
        const stream = method === "HEAD" || bodiless.includes(answer.statusCode) ? null : Readable.toWeb(answer);
        resolve(new Response(stream, { status: answer.statusCode, headers: answer.headers }));
      });
      signal?.addEventListener("abort", () => request.destroy(signal.reason));
      request.on("error", reject);
      request.end(body);
    });
}
