'use strict';
// Connections that clients of one key share: the service knows one connection of a key, and a second one would take the first one's
// place. So clients of this process with the same key, services and options are members of one connection.
//
//   made -> opening (once the connection of that key before it has ended) -> open <-> away -> closed
//
// It is closed with its last member. A message goes to one member: see questions.js.

const { isDeepStrictEqual } = require('node:util');

const { Client } = require('../client');
const { guarded } = require('../events');
const { Questions } = require('./questions');

const live = new Map(); // by key: the connections that can be joined
const ending = new Map(); // by key: promises of connections that are about to be over

/** A signal that aborts, with the last error, once each service was asked and none has accepted. */
function allAskedInVain(client, services) {
  const giveUp = new AbortController();
  const watch = ({ state, error }) => {
    if (state === 'disconnected' && --services === 0) giveUp.abort(error);
    if (state === 'connected') client.off('state', watch);
  };
  client.on('state', watch);
  return { signal: giveUp.signal, stop: () => client.off('state', watch) };
}

/** What a program's own listener throws is its program's, and keeps nothing from the other members. */
function tell(member, event) {
  guarded(() => member.changed(event));
}

class Connection {
  #place;
  #options;
  #services;
  #members = new Set(); // the oldest first
  #questions = new Questions();
  #before; // resolves once it is begun, which it is at once unless another one has to end first
  #wasShared = false;
  #wasConnected = false;

  /** The one that is there for this key, these services and options, or a new one. */
  static of(urls, { shared = true, ...options }, identity) {
    const place = `${identity.id} ${urls.join(' ')}`;
    const found = shared && live.get(place)?.find((one) => isDeepStrictEqual(one.#options, options));
    return found || new Connection(shared ? place : undefined, urls, options, identity);
  }

  constructor(place, urls, options, identity) {
    this.client = new Client(urls, { ...options, identity });
    this.client.setMaxListeners(0); // each member that connects listens
    this.#options = options;
    this.#services = urls.length;
    this.#place = place;
    this.client.on('state', (event) => this.#changed(event));
    this.client.on('message', (message) => this.#received(message));
    if (place) live.set(place, [...(live.get(place) ?? []), this]);
    this.#before = ending.get(this.client.id)?.then(() => this.#begin());
    if (!this.#before) this.#begin();
  }

  #begin() {
    this.#before = undefined;
    this.client.connect({ timeout: Infinity }).catch(() => {}); // each member has its own time, and hears of the end
  }

  join(member) {
    this.#wasShared ||= this.#members.size > 0;
    this.#members.add(member);
    member.open = true;
    member.sending = 0;
  }

  /** Resolves once a service has accepted the key; rejects where all were asked in vain, or the time is over. */
  async open(member, timeout) {
    const { signal, stop } = allAskedInVain(this.client, this.#services);
    try {
      await this.#before;
      const before = this.client.state === 'connected';
      await this.client.connect({ signal, timeout });
      if (before) tell(member, { state: 'connected', url: this.client.url, closeCode: 0, retryIn: undefined });
    } finally {
      stop();
    }
  }

  /** @param {string} recipient an id as hex */
  send(member, recipient, payload) {
    return this.#before ? this.#sendLater(member, recipient, Buffer.from(payload)) : this.#sendNow(member, recipient, payload);
  }

  async #sendLater(member, recipient, payload) {
    await this.#before;
    return this.#sendNow(member, recipient, payload);
  }

  async #sendNow(member, recipient, payload) {
    this.#questions.add(recipient, member, payload);
    member.sending++;
    try {
      await this.client.send(recipient, payload);
    } catch (error) {
      this.#questions.drop(recipient, member);
      throw error;
    } finally {
      if (--member.sending === 0) member.allSent?.();
    }
  }

  /** Resolves once the connection has ended, which its last member closes, or once what the member sent has gone out. */
  async leave(member) {
    if (!member.open) return;
    member.open = false;
    member.listened = member.listens();
    if (this.#members.size === 1) return this.#close();
    this.#members.delete(member);
    if (this.client.state === 'connected' && member.sending > 0) await new Promise((resolve) => (member.allSent = resolve));
    tell(member, { state: 'closed', url: this.client.url, closeCode: 0, retryIn: undefined });
  }

  #close() {
    this.#unlist();
    const { id } = this.client;
    const closed = this.#before ? this.#before.then(() => this.client.close()) : this.client.close(); // what waits goes out first
    const ended = closed.finally(() => {
      if (ending.get(id) === ended) ending.delete(id);
    });
    ending.set(id, ended);
    return ended;
  }

  #unlist() {
    const others = (live.get(this.#place) ?? []).filter((one) => one !== this);
    if (others.length) live.set(this.#place, others);
    else live.delete(this.#place);
  }

  #changed(event) {
    this.#wasConnected ||= event.state === 'connected';
    if (event.state === 'closed') this.#unlist();
    const members = [...this.#members];
    for (const member of members) tell(member, event);
    if (event.state !== 'closed') return;
    for (const member of members) member.ended(this.#wasConnected && member === members[0], event.error);
  }

  #received(message) {
    const listens = (member) => member.open && member.listens();
    const member = this.#wasShared ? this.#questions.answered(message.sender, message.payload, listens) : undefined;
    if (!this.#wasShared) this.#questions.settle(message.sender);
    if (member === undefined) this.#first(listens)?.received(message);
    else member?.received(message);
  }

  /** What nobody asked for goes to the oldest client that listens. */
  #first(listens) {
    const members = [...this.#members];
    return members.find(listens) ?? members[0];
  }
}

module.exports = { Connection };
