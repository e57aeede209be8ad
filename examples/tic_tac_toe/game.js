// The page: what a player sees and does. The server decides everything; the page shows what it said last.
"use strict";

(() => {
  const TAG = "tic-tac-toe";
  // Parts of a room, by the numbers that the protocol gives them.
  const ROOM = { name: 0, users: 2, userLength: 4, metas: 7 };
  const LOBBY_INTERVAL = 2000; // milliseconds

  const $ = (id) => document.getElementById(id);
  const query = new URLSearchParams(location.search);

  const app = {
    screen: "welcome", // or "lobby" or "table"
    link: "off", // or "busy" or "on"
    client: null,
    name: "",
    roomId: null,
    game: null, // as the script tells it: status, players, board, turn, winner, line, rematch
    names: {}, // by user id
    news: "", // what just happened, when the state alone does not say it
    notice: "", // what went wrong
    offers: [],
    lobbyTimer: 0,
  };

  // Connecting

  async function enter(event) {
    event.preventDefault();
    app.name = $("name").value.trim();
    if (!app.name || app.link === "busy") return;
    await start(async (client) => {
      await client.logIn(`tic-tac-toe-page-${randomId()}`);
      await client.request("UpdateUser", { name: app.name });
      openLobby();
    });
  }

  // A page that was reloaded takes its session up again, if it is not too late.
  async function resume({ token, roomId, name, server, key }) {
    $("name").value = app.name = name;
    $("server").value = server;
    $("key").value = key;
    await start(async (client) => {
      const { restored, rooms } = await client.restore(token);
      await client.request("UpdateUser", { name });
      if (restored && rooms.includes(roomId)) await openTable(roomId, {});
      else openLobby();
    });
  }

  async function start(begin) {
    const server = $("server").value.trim();
    show({ link: "busy", notice: "" });
    try {
      const client = new YummyClient(server, $("key").value.trim(), { event, lost, restored, gone });
      app.client = client;
      await client.connect();
      await begin(client);
      show({ link: "on" });
      remember();
    } catch (error) {
      app.client?.close();
      forget();
      const hint = error instanceof ConnectionLost ? ` Is a Yummy server running at ${server}, and is the key right?` : "";
      show({ link: "off", screen: "welcome", notice: error.message + hint });
    }
  }

  function lost() {
    show({ link: "busy", notice: "Connection lost. Trying to get it back…" });
  }

  async function restored({ restored: kept, rooms }) {
    remember();
    await attempt(async () => {
      if (app.screen === "table" && kept && rooms.includes(app.roomId)) {
        await refresh();
        show({ link: "on", notice: "", news: "Connection restored." });
      } else if (app.screen === "table") {
        show({ link: "on" });
        openLobby("You were away for too long, and your seat was given up.");
      } else show({ link: "on", notice: "" });
    });
  }

  function gone(reason) {
    forget();
    show({ link: "off", screen: "welcome", notice: reason });
  }

  // The lobby

  function openLobby(notice = "") {
    show({ screen: "lobby", roomId: null, game: null, news: "", notice });
    remember();
    list();
    $("lobby-title").focus();
  }

  // The protocol has no event for a room that appears, so the lobby asks from time to time.
  async function list() {
    clearTimeout(app.lobbyTimer);
    if (app.screen !== "lobby" || app.client === null) return;
    try {
      const members = [ROOM.name, ROOM.userLength, ROOM.metas];
      const { rooms } = await app.client.request("RoomList", { tag: TAG, members });
      const offers = rooms.filter((room) => room["user-length"] === 1 && room.metas.status === "waiting");
      if (app.screen === "lobby") show({ offers });
    } catch {
      // A lost connection is told of elsewhere; the next round asks again.
    }
    clearTimeout(app.lobbyTimer);
    app.lobbyTimer = setTimeout(list, LOBBY_INTERVAL);
  }

  async function create() {
    await attempt(async () => {
      const { room_id: roomId } = await app.client.request("CreateRoom", { name: `${app.name}’s game`, tags: [TAG] });
      await openTable(roomId, {});
    });
  }

  async function join(roomId) {
    const done = await attempt(async () => {
      const { users, metas } = await app.client.request("JoinToRoom", { room_id: roomId });
      // Set before anything else is awaited: the script's first message follows at once.
      await openTable(roomId, { names: nameList(users), game: metas });
    });
    if (!done) list();
  }

  // The table

  async function openTable(roomId, known) {
    clearTimeout(app.lobbyTimer);
    Object.assign(app, { roomId, names: {}, news: "", notice: "" }, known);
    if (app.game === null || !known.game) await refresh();
    show({ screen: "table" });
    remember();
    $("status").focus();
  }

  async function refresh() {
    const { users, metas } = await app.client.request("GetRoom", { room_id: app.roomId, members: [ROOM.users, ROOM.metas] });
    show({ names: nameList(users), game: metas });
  }

  function event(message) {
    if (message.room_id !== app.roomId) return;
    if (message.type === "DisconnectedFromRoom") openLobby("You were put out of the game.");
    // Without a user id it is the script that speaks, not the other player.
    if (message.type === "MessageFromRoom" && message.user_id === undefined && message.message?.game === TAG) {
      hear(message.message);
    }
  }

  function hear({ event: what, user_id: who, awarded_to: awardedTo, ...game }) {
    const news = { left: `${nameOf(who)} left.${awardedTo === app.client.userId ? " The game is yours." : ""}` }[what] ?? "";
    show({ game, news, notice: "" });
    if (game.players.some((id) => !(id in app.names))) attempt(refresh);
  }

  async function move(cell) {
    await attempt(() => app.client.request("Play", { room_id: app.roomId, message: { cell } }));
  }

  async function askRematch() {
    await attempt(() => app.client.request("Play", { room_id: app.roomId, message: { rematch: true } }));
  }

  async function leave() {
    await attempt(async () => {
      await app.client.request("RoomDisconnect", { room_id: app.roomId });
      openLobby();
    });
  }

  /** Do something that the server may refuse; what it says is shown. */
  async function attempt(action) {
    try {
      show({ notice: "" });
      await action();
      return true;
    } catch (error) {
      // While the connection is lost there is a better notice already.
      if (!(error instanceof ConnectionLost && app.link === "busy")) show({ notice: error.message });
      return false;
    }
  }

  // What stands on the page

  function sentence({ status, players, turn, winner, rematch }) {
    const me = app.client.userId;
    const other = nameOf(players.find((id) => id !== me));
    const iAsked = rematch.includes(me);
    const ending = iAsked
      ? `Waiting for ${other} to agree to a rematch…`
      : rematch.length > 0
        ? `${other} wants a rematch.`
        : "";
    switch (status) {
      case "waiting":
        return "Waiting for another player…";
      case "playing":
        return turn === me ? "Your turn." : `${other}’s turn.`;
      case "draw":
        return `It’s a draw. ${ending}`;
      default:
        return `${winner === me ? "You won!" : `${other} won.`} ${ending}`;
    }
  }

  function show(changes) {
    Object.assign(app, changes);
    for (const screen of ["welcome", "lobby", "table"]) $(screen).hidden = app.screen !== screen;
    $("link").dataset.state = app.link;
    $("link").textContent = {
      off: "not connected",
      busy: app.screen === "welcome" ? "connecting…" : "reconnecting…",
      on: "connected",
    }[app.link];
    setText($("notice"), app.notice);
    $("notice").hidden = app.notice === "";
    $("lobby").inert = $("table").inert = app.link === "busy";
    if (app.screen === "lobby") showLobby();
    if (app.screen === "table" && app.game !== null) showTable(app.game);
  }

  function showLobby() {
    const items = app.offers.map(({ id, name }) => {
      // The item of a game that was there before stays, so that the focus does too.
      const old = [...$("games").children].find((item) => item.dataset.room === id);
      if (old) return old;
      const item = document.createElement("li");
      item.dataset.room = id;
      const label = document.createElement("span");
      label.textContent = name ?? "A game without a name";
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Join";
      button.setAttribute("aria-label", `Join ${label.textContent}`);
      button.addEventListener("click", () => join(id));
      item.append(label, button);
      return item;
    });
    const before = [...$("games").children];
    if (items.length !== before.length || items.some((item, index) => item !== before[index])) {
      $("games").replaceChildren(...items);
    }
    $("no-games").hidden = items.length > 0;
  }

  function showTable(game) {
    const me = app.client.userId;
    $("players").replaceChildren(
      ...["X", "O"].map((mark, index) => {
        const id = game.players[index];
        const seat = document.createElement("span");
        seat.className = `seat ${mark}`;
        seat.classList.toggle("next", id !== undefined && game.turn === id);
        const name = document.createElement("span");
        name.textContent = id === undefined ? "free seat" : id === me ? "You" : nameOf(id);
        seat.append(drawing(mark), name);
        return seat;
      }),
    );
    setText($("status"), `${app.news} ${sentence(game)}`.trim());
    $("table").dataset.status = game.status;
    $("board").classList.toggle("mine", game.turn === me);
    game.board.forEach((mark, cell) => showCell($("board").children[cell], mark, cell, game));
    $("rematch").hidden = !["won", "draw"].includes(game.status) || game.rematch.includes(me);
  }

  function showCell(button, mark, cell, { line, status }) {
    if (button.dataset.mark !== mark) {
      button.dataset.mark = mark;
      button.replaceChildren(...(mark ? [drawing(mark)] : []));
    }
    button.classList.toggle("won", line.includes(cell));
    // Not disabled: the server says what is wrong with a move, and the focus stays where it is.
    button.setAttribute("aria-disabled", String(mark !== "" || status !== "playing"));
    button.setAttribute("aria-label", `Row ${Math.floor(cell / 3) + 1}, column ${(cell % 3) + 1}: ${mark || "free"}`);
  }

  function drawing(mark) {
    return $(`mark-${mark}`).content.firstElementChild.cloneNode(true);
  }

  // A live region speaks whenever it is written to, even with the same words.
  function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function nameOf(id) {
    return app.names[id] || "The other player";
  }

  function nameList(users) {
    return Object.fromEntries(users.map((user) => [user.user_id, user.name]));
  }

  // Bits and pieces

  function buildBoard() {
    for (let cell = 0; cell < 9; cell += 1) {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.cell = cell;
      button.dataset.mark = "";
      $("board").append(button);
    }
    $("board").addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      if (button) move(Number(button.dataset.cell));
    });
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    $("board").addEventListener("keydown", (press) => {
      const step = steps[press.key];
      if (step === undefined || press.target.dataset.cell === undefined) return;
      press.preventDefault();
      const at = Number(press.target.dataset.cell);
      const row = (Math.floor(at / 3) + step[0] + 3) % 3;
      const column = ((at % 3) + step[1] + 3) % 3;
      $("board").children[3 * row + column].focus();
    });
  }

  // What a reloaded page needs; it lives as long as the tab.
  function remember() {
    const { token } = app.client ?? {};
    if (!token) return;
    const kept = { token, roomId: app.roomId, name: app.name, server: $("server").value, key: $("key").value };
    sessionStorage.setItem(TAG, JSON.stringify(kept));
  }

  function forget() {
    sessionStorage.removeItem(TAG);
  }

  function randomId() {
    return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  buildBoard();
  $("welcome").addEventListener("submit", enter);
  $("create").addEventListener("click", create);
  $("rematch").addEventListener("click", askRematch);
  $("leave").addEventListener("click", leave);
  $("server").value = query.get("server") ?? "ws://127.0.0.1:9090";
  $("key").value = query.get("key") ?? "YummyYummy";
  $("name").value = query.get("name") ?? "";
  const kept = sessionStorage.getItem(TAG);
  if (kept !== null) resume(JSON.parse(kept));
  else $("name").focus();
})();
