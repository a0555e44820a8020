// What the page knows of the service, and who wants to be told when that changes.
import { ask } from "./api.js";

export const state = {
  routes: new Set(), // "POST /hearth/v1/plan"
  models: [],
  loaded: [],
  chosen: null, // what "default" means for all apps
  waiting: new Map(), // model -> the last model.waiting of a load that has not begun
};
const listeners = new Set();

export const has = (route) => state.routes.has(route);
export const onChange = (listener) => listeners.add(listener);
export const changed = () => listeners.forEach((listener) => listener());
export const can = (model, capability) => Boolean(model?.capabilities?.includes(capability));
export const find = (name) => state.models.find((model) => model.name === name);
export const loadedAs = (name) => state.loaded.find((model) => model.name === name);

export async function learnRoutes() {
  const { routes } = await ask("GET", "/hearth/v1/capabilities");
  state.routes = new Set(routes.map((route) => `${route.method} ${route.path}`));
}

/** Models and what is loaded, anew. Calls that come meanwhile are served by one more round. */
let running = null, again = false;
export function refresh() {
  again = true;
  running ??= (async () => {
    try {
      while (again) {
        again = false;
        await readAll();
      }
    } finally {
      running = null;
    }
  })();
  return running;
}

async function readAll() {
  const [tags, ps, choice] = await Promise.all([
    ask("GET", "/api/tags"), ask("GET", "/api/ps"), has("GET /hearth/v1/default") ? ask("GET", "/hearth/v1/default") : null,
  ]);
  state.models = tags.models.sort((one, other) => one.name.localeCompare(other.name));
  state.loaded = ps.models;
  state.chosen = choice?.defaults.find((row) => row.kind === "all")?.model ?? null;
  changed();
}
