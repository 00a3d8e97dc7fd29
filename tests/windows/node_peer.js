// A program on node's net module: a peer for ours.
//   node node_peer.js echo ADDRESS    a server that returns what it reads. "bye" is its client's
//                                     last: one word more, and it ends the connection
//   node node_peer.js ask ADDRESS     a client that writes texts of many sizes, several at a time,
//                                     and compares what comes back; prints DONE at its end
//   node node_peer.js tell ADDRESS    a client that writes one, two, three, each after the other
//                                     was taken, prints what comes, and ends when the server does
//   node node_peer.js crowd ADDRESS   500 clients at once, each with a word of its own; prints DONE
//                                     when all have got it back
"use strict";

const net = require("net");

const [what, address] = process.argv.slice(2);

function fail(error) {
  console.log(`${what}: ${error.message}`);
  process.exit(1);
}

function echo() {
  const server = net.createServer((connection) => {
    connection.on("data", (data) => {
      connection.write(data);
      if (data.toString() === "bye\n") {
        connection.end("farewell\n");
      }
    });
    connection.on("close", () => console.log("CLOSED"));
    connection.on("error", (error) => console.log(error.message));
  });
  server.on("error", fail);
  server.listen(address, () => console.log("LISTENING"));
}

function ask() {
  const sizes = [1, 999, 4097, 65536, 100000, 1000000];
  const texts = Array.from({ length: 60 }, (_, number) =>
    Buffer.alloc(sizes[number % sizes.length], "abcdefghijklmnopqrstuvwxyz"[number % 26]));
  const expected = Buffer.concat(texts);
  let received = 0;
  const connection = net.connect(address, () => {
    for (const text of texts) {
      connection.write(text);
    }
  });
  connection.on("data", (data) => {
    if (data.compare(expected, received, received + data.length) !== 0) {
      fail(new Error(`another answer after ${received} bytes`));
    }
    received += data.length;
    if (received === expected.length) {
      connection.end();
    }
  });
  connection.on("close", () => console.log(received === expected.length ? "DONE" : "CLOSED"));
  connection.on("error", fail);
}

function tell() {
  const words = ["one", "two", "three"];
  const connection = net.connect(address, function next() {
    if (words.length > 0) {
      connection.write(words.shift(), next);
    }
  });
  connection.on("data", (data) => process.stdout.write(data));
  connection.on("end", () => console.log("END"));
  connection.on("error", fail);
}

function crowd() {
  let waiting = 500;
  for (let number = 0; number < 500; ++number) {
    const word = `client ${number}`;
    const connection = net.connect(address, () => connection.write(word));
    connection.on("data", (data) => {
      if (data.toString() !== word) {
        fail(new Error(`${data} is no answer to ${word}`));
      }
      if (--waiting === 0) {
        console.log("DONE");
        process.exit(0);
      }
    });
    connection.on("error", fail);
  }
}

({ echo, ask, tell, crowd })[what]();
