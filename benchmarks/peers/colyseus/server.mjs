// A Colyseus server with two kinds of rooms: one echoes, one relays to the others and acknowledges. Prints its port.
import { Room, Server } from "@colyseus/core";
import { WebSocketTransport } from "@colyseus/ws-transport";

class Quiet extends Room {
  // There is no state to be sent, and nobody is measured while rooms look for some.
  patchRate = null;
}

class Echo extends Quiet {
  maxClients = 1;

  onCreate() {
    this.onMessage("talk", (client, message) => client.send("talk", message));
  }
}

class Relay extends Quiet {
  maxClients = 4;

  onCreate() {
    this.onMessage("talk", (client, message) => {
      this.broadcast("talk", message, { except: client });
      client.send("done", { status: true });
    });
  }
}

// Nobody is pinged.
const transport = new WebSocketTransport({ pingInterval: 0 });
const server = new Server({ transport, greet: false });
server.define("echo", Echo);
server.define("relay", Relay);
await server.listen(0, "127.0.0.1");
console.log(transport.server.address().port);
