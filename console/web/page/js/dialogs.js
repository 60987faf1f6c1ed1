/* What lies over the page: help, and the form that asks for the token. */

import { html, useEffect, useRef, useState } from "../vendor/preact-htm.js";
import { signIn } from "./api.js";

const KEYS = [
  ["1 … 7", "5 minutes … 35 days"],
  ["/", "filter the rows"],
  ["s", "one symbol only"],
  ["h", "into the heatmap: then arrows move, Enter opens a cell, Shift with ← → marks a time, Enter zooms in"],
  ["t", "heatmap as a table"],
  ["d", "by share, or by count"],
  ["Escape", "one step back: filter, cell, zoom, symbol"],
  ["?", "this"],
];

function Dialog({ label, open, onClose, children }) {
  const dialog = useRef(null);
  useEffect(() => {
    if (open && !dialog.current.open) dialog.current.showModal();
    if (!open && dialog.current.open) dialog.current.close();
  }, [open]);
  return html`<dialog ref=${dialog} aria-label=${label} onClose=${onClose} onCancel=${(event) => onClose || event.preventDefault()}>${open && children}</dialog>`;
}

export const Help = ({ open, onClose }) => html`
  <${Dialog} label="Help" open=${open} onClose=${onClose}>
    <h2>What is what</h2>
    <p>
      The verdict is about the last five minutes, whatever span is chosen. A cell of the heatmap is the share of all decisions of
      its time that the row stopped: the more it differs from the background, the larger. Numbers behind a name are its share of
      the span, and by how many percentage points that differs from the same hours a week before. All times are UTC.
    </p>
    <table class="plain keys">
      <tbody>${KEYS.map(([key, does]) => html`<tr key=${key}><th scope="row"><kbd>${key}</kbd></th><td>${does}</td></tr>`)}</tbody>
    </table>
    <form method="dialog"><button type="submit" class="primary">Close</button></form>
  <//>`;

export function SignIn({ store }) {
  const [problem, setProblem] = useState("");
  const submit = async (event) => {
    event.preventDefault();
    try {
      await signIn(new FormData(event.target).get("token"));
      setProblem("");
      store.signedIn();
    } catch (refused) {
      setProblem(refused.status === 401 ? "That is not the token." : refused.message);
    }
  };
  return html`
    <${Dialog} label="Sign in" open=${store.signedOut}>
      <h2>Sign in</h2>
      <form onSubmit=${submit}>
        <label for="token">Token</label>
        <input id="token" name="token" type="password" autocomplete="current-password" required />
        <p role="alert" class="warning">${problem}</p>
        <button type="submit" class="primary">Sign in</button>
      </form>
    <//>`;
}
