// A connection to a Yummy server that comes back: requests with answers, events, and the session's token.
"use strict";

/** An answer with `status: false`: `code` is for programs, `message` for people. */
class RequestFailed extends Error {
  constructor(reply) {
    super(reply.error);
    this.code = reply.code;
  }
}

/** No connection, or none any more. A request that was on its way may or may not have been carried out. */
class ConnectionLost extends Error {}

class YummyClient {
  static #connectTimeout = 10_000; // milliseconds, as all times here
  static #requestTimeout = 10_000;
  static #attempts = 8;
  // Policy, not authenticated in time, taken over by another connection, abuse: trying again would end the same way.
  static #finalCodes = new Set([1008, 4001, 4003, 4005]);

  #url;
  #handlers;
  #socket = null;
  #pending = new Map();
  #nextId = 1;
  #closed = false;
  #inSession = false;

  token = null;
  userId = null;

  /**
   * @param {string} server such as ws://127.0.0.1:9090
   * @param {string} key the server's INTEGRATION_KEY
   * @param {{event, lost, restored, gone}} handlers `event(message)` hears what the server says unasked; `lost()`,
   *   `restored(reply)` and `gone(reason)` what becomes of the connection
   */
  constructor(server, key, handlers) {
    if (!/^wss?:/.test(server) || !URL.canParse(server)) throw new Error("Write the address like ws://127.0.0.1:9090.");
    this.#url = new URL(server);
    if (this.#url.pathname === "/") this.#url.pathname = "/v1/socket";
    if (key) this.#url.searchParams.set("x-yummy-api", key);
    this.#handlers = handlers;
  }

  /** Open the connection. */
  async connect() {
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => socket.close(), YummyClient.#connectTimeout);
      socket.onopen = () => {
        clearTimeout(timer);
        resolve();
      };
      // A browser does not say why: nobody there, wrong key, too many connections...
      socket.onclose = () => {
        clearTimeout(timer);
        reject(new ConnectionLost("The server cannot be reached."));
      };
    });
    if (this.#closed) {
      socket.close();
      throw new ConnectionLost("The connection was closed.");
    }
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#hear(typeof data === "string" ? JSON.parse(data) : msgpack.decode(data));
    socket.onclose = ({ code }) => {
      // A socket that was given up may close late; it is no longer the connection.
      if (socket === this.#socket) this.#drop(code);
    };
  }

  /** Send a request; resolves with the answer. */
  request(type, fields = {}) {
    const socket = this.#socket;
    if (socket === null) return Promise.reject(new ConnectionLost("There is no connection at the moment."));
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new ConnectionLost("The server did not answer in time."));
      }, YummyClient.#requestTimeout);
      this.#pending.set(id, { resolve, reject, timer });
      socket.send(msgpack.encode({ type, request_id: id, ...fields }));
    });
  }

  /** Log in with an id of this browser tab; the account is made on first sight. */
  logIn(deviceId) {
    return this.#begin("AuthDeviceId", { id: deviceId });
  }

  /** Take a session up again; `restored` of the answer says whether it still had its rooms. */
  restore(token) {
    return this.#begin("RestoreToken", { token });
  }

  /** Close the connection for good. */
  close() {
    this.#closed = true;
    this.#socket?.close(1000);
  }

  async #begin(type, fields) {
    const reply = await this.request(type, fields);
    this.token = reply.token;
    this.userId = reply.user_id;
    this.#inSession = true;
    return reply;
  }

  #hear(message) {
    if (typeof message.status !== "boolean") {
      this.#handlers.event(message);
      return;
    }
    const waiting = this.#pending.get(message.request_id);
    if (waiting === undefined) return; // too late
    this.#pending.delete(message.request_id);
    clearTimeout(waiting.timer);
    if (message.status) waiting.resolve(message);
    else waiting.reject(new RequestFailed(message));
  }

  #drop(code) {
    this.#socket = null;
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new ConnectionLost("The connection was lost."));
    }
    this.#pending.clear();
    // Before there is a session, whoever waits for it hears of the loss.
    if (this.#closed || !this.#inSession) return;
    this.#inSession = false;
    if (YummyClient.#finalCodes.has(code)) {
      this.#handlers.gone(code === 4003 ? "You went on in another window." : `The server closed the connection (${code}).`);
      return;
    }
    this.#handlers.lost();
    this.#comeBack();
  }

  // The server keeps the session for ten seconds by default; the first attempts are quick.
  async #comeBack() {
    for (let attempt = 0; attempt < YummyClient.#attempts; attempt += 1) {
      const pause = Math.min(250 * 2 ** attempt, 8000) * (0.5 + Math.random() / 2);
      await new Promise((resolve) => setTimeout(resolve, pause));
      if (this.#closed) return;
      try {
        await this.connect();
        this.#handlers.restored(await this.restore(this.token));
        return;
      } catch (error) {
        if (error instanceof RequestFailed && error.code === "invalid_token") {
          this.close();
          this.#handlers.gone("The server does not know this session any more.");
          return;
        }
        this.#socket?.close();
        this.#socket = null;
      }
    }
    this.#handlers.gone("The server cannot be reached.");
  }
}
