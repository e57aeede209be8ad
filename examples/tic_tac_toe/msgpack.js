// MessagePack, as much of it as Yummy speaks: null, booleans, integers, floats, text, bytes, lists and maps with text
// keys. https://github.com/msgpack/msgpack/blob/master/spec.md
"use strict";

const msgpack = (() => {
  const toText = new TextDecoder("utf-8", { fatal: true });
  const toBytes = new TextEncoder();

  /** Write plain data. BigInt serves for integers that a Number cannot hold. */
  function encode(value) {
    let bytes = new Uint8Array(256);
    let view = new DataView(bytes.buffer);
    let end = 0;

    function grow(count) {
      if (end + count > bytes.length) {
        const larger = new Uint8Array(Math.max(bytes.length * 2, end + count));
        larger.set(bytes);
        bytes = larger;
        view = new DataView(bytes.buffer);
      }
      const at = end;
      end += count;
      return at;
    }

    function byte(number) {
      const at = grow(1);
      bytes[at] = number;
    }

    function raw(data) {
      const at = grow(data.length);
      bytes.set(data, at);
    }

    // A type byte and a number of 1, 2, 4 or 8 bytes.
    function tagged(tag, size, number) {
      byte(tag);
      const at = grow(size);
      if (size === 1) view.setUint8(at, number);
      else if (size === 2) view.setUint16(at, number);
      else if (size === 4) view.setUint32(at, number);
      else view.setBigUint64(at, BigInt.asUintN(64, BigInt(number)));
    }

    // The head of text, bytes, a list or a map; `tags` are those for lengths of 1, 2 and 4 bytes.
    function head(length, [small, medium, large]) {
      if (small !== null && length < 0x100) tagged(small, 1, length);
      else if (length < 0x10000) tagged(medium, 2, length);
      else tagged(large, 4, length);
    }

    function integer(number) {
      if (number >= 0) {
        if (number < 0x80) byte(Number(number));
        else if (number < 0x100) tagged(0xcc, 1, Number(number));
        else if (number < 0x10000) tagged(0xcd, 2, Number(number));
        else if (number < 0x100000000) tagged(0xce, 4, Number(number));
        else tagged(0xcf, 8, number);
      } else if (number >= -0x20) byte(Number(number) & 0xff);
      else if (number >= -0x80) tagged(0xd0, 1, Number(number));
      else if (number >= -0x8000) tagged(0xd1, 2, Number(number));
      else if (number >= -0x80000000) tagged(0xd2, 4, Number(number));
      else tagged(0xd3, 8, number);
    }

    function write(item) {
      if (item === null || item === undefined) byte(0xc0);
      else if (typeof item === "boolean") byte(item ? 0xc3 : 0xc2);
      else if (typeof item === "bigint" || Number.isSafeInteger(item)) integer(item);
      else if (typeof item === "number") {
        byte(0xcb);
        const at = grow(8);
        view.setFloat64(at, item);
      } else if (typeof item === "string") {
        const text = toBytes.encode(item);
        if (text.length < 0x20) byte(0xa0 | text.length);
        else head(text.length, [0xd9, 0xda, 0xdb]);
        raw(text);
      } else if (item instanceof Uint8Array) {
        head(item.length, [0xc4, 0xc5, 0xc6]);
        raw(item);
      } else if (Array.isArray(item)) {
        if (item.length < 0x10) byte(0x90 | item.length);
        else head(item.length, [null, 0xdc, 0xdd]);
        item.forEach(write);
      } else if (typeof item === "object") {
        const entries = Object.entries(item);
        if (entries.length < 0x10) byte(0x80 | entries.length);
        else head(entries.length, [null, 0xde, 0xdf]);
        for (const [key, inner] of entries) {
          write(key);
          write(inner);
        }
      } else throw new TypeError(`${typeof item} is no plain data`);
    }

    write(value);
    return bytes.slice(0, end);
  }

  /** Read plain data from an ArrayBuffer. An integer that a Number cannot hold becomes a BigInt. */
  function decode(buffer) {
    const bytes = new Uint8Array(buffer);
    const view = new DataView(buffer);
    let at = 0;

    function step(count) {
      const start = at;
      at += count;
      if (at > bytes.length) throw new RangeError("the message ends too early");
      return start;
    }

    const unsigned = {
      1: () => view.getUint8(step(1)),
      2: () => view.getUint16(step(2)),
      4: () => view.getUint32(step(4)),
    };

    function narrow(large) {
      const number = Number(large);
      return Number.isSafeInteger(number) ? number : large;
    }

    function text(length) {
      const start = step(length);
      return toText.decode(bytes.subarray(start, at));
    }

    function binary(length) {
      const start = step(length);
      return bytes.slice(start, at);
    }

    function list(length) {
      const items = [];
      for (let index = 0; index < length; index += 1) items.push(read());
      return items;
    }

    function map(length) {
      const items = {};
      for (let index = 0; index < length; index += 1) {
        const key = read();
        // Not items[key] = ..., to which the key "__proto__" means something else.
        Object.defineProperty(items, key, { value: read(), enumerable: true, configurable: true, writable: true });
      }
      return items;
    }

    function read() {
      const tag = view.getUint8(step(1));
      if (tag < 0x80) return tag;
      if (tag < 0x90) return map(tag & 0x0f);
      if (tag < 0xa0) return list(tag & 0x0f);
      if (tag < 0xc0) return text(tag & 0x1f);
      if (tag >= 0xe0) return tag - 0x100;
      switch (tag) {
        case 0xc0: return null;
        case 0xc2: return false;
        case 0xc3: return true;
        case 0xc4: return binary(unsigned[1]());
        case 0xc5: return binary(unsigned[2]());
        case 0xc6: return binary(unsigned[4]());
        case 0xca: return view.getFloat32(step(4));
        case 0xcb: return view.getFloat64(step(8));
        case 0xcc: return unsigned[1]();
        case 0xcd: return unsigned[2]();
        case 0xce: return unsigned[4]();
        case 0xcf: return narrow(view.getBigUint64(step(8)));
        case 0xd0: return view.getInt8(step(1));
        case 0xd1: return view.getInt16(step(2));
        case 0xd2: return view.getInt32(step(4));
        case 0xd3: return narrow(view.getBigInt64(step(8)));
        case 0xd9: return text(unsigned[1]());
        case 0xda: return text(unsigned[2]());
        case 0xdb: return text(unsigned[4]());
        case 0xdc: return list(unsigned[2]());
        case 0xdd: return list(unsigned[4]());
        case 0xde: return map(unsigned[2]());
        case 0xdf: return map(unsigned[4]());
        default: throw new TypeError(`type 0x${tag.toString(16)} is not spoken here`);
      }
    }

    const value = read();
    if (at !== bytes.length) throw new RangeError("the message goes on after its end");
    return value;
  }

  return { encode, decode };
})();
