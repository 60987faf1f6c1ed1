/* Asking the server. Equal questions at one time are one request; what has not changed is not sent again (ETag). */

const asking = new Map();

/** What the server answered instead: `status` 0 is no answer at all. */
export class Refused extends Error {
  constructor(status, detail, retryAfter) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** The address of a question; parameters that are null or empty are left out, lists are repeated. */
export function address(question, parameters = {}) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one != null && one !== "") query.append(key, one);
  }
  const text = query.toString();
  return `/api/v1/${question}${text ? "?" + text : ""}`;
}

/** The answer at that address. Throws Refused. */
export function ask(url) {
  const running = asking.get(url);
  if (running) return running;
  const answer = get(url).finally(() => asking.delete(url));
  asking.set(url, answer);
  return answer;
}

async function get(url) {
  let response;
  try {
    response = await fetch(url, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(30000) });
  } catch {
    throw new Refused(0, "the server does not answer");
  }
  if (response.ok) return response.json();
  throw await refusal(response);
}

async function refusal(response) {
  let detail = response.statusText;
  try {
    detail = (await response.json()).detail ?? detail;
  } catch {
    // (not in the words of the API: whoever stands between us and it answered)
  }
  return new Refused(response.status, detail, Number(response.headers.get("Retry-After")) || null);
}

/** Give the token, for a session. Throws Refused, with status 401 where it is not the token. */
export async function signIn(token) {
  let response;
  try {
    response = await fetch("/sign-in", {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ token }),
    });
  } catch {
    throw new Refused(0, "the server does not answer");
  }
  if (!response.ok) throw await refusal(response);
}
