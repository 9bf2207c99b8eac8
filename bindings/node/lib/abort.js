'use strict';
// Many may follow one AbortSignal, with one listener on it: more than ten would make Node warn of a leak.

/** @type {WeakMap<AbortSignal, Set<() => void>>} */
const followers = new WeakMap();

function onAbort(event) {
  const found = followers.get(event.target);
  followers.delete(event.target);
  for (const call of found) call();
}

/** Calls `call` when the signal is aborted. */
function follow(signal, call) {
  const found = followers.get(signal);
  if (found) return void found.add(call);
  followers.set(signal, new Set([call]));
  signal.addEventListener('abort', onAbort, { once: true });
}

function unfollow(signal, call) {
  const found = followers.get(signal);
  if (!found?.delete(call) || found.size) return;
  followers.delete(signal);
  signal.removeEventListener('abort', onAbort);
}

module.exports = { follow, unfollow };
