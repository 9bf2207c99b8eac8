'use strict';
// Key files and the folder that keeps them: who else may read and write them is looked at before they are believed. What is
// looked at is what was opened, whatever its name stands for by then.

const fs = require('node:fs');

const MOST = 64 * 1024; // bytes of a key file
const { O_DIRECTORY, O_RDONLY } = fs.constants;

function opened(name, flags, use) {
  const handle = fs.openSync(name, flags);
  try {
    return use(handle, fs.fstatSync(handle));
  } finally {
    fs.closeSync(handle);
  }
}

// Whoever can write a file chooses the key in it, and whoever can read it has it. Root is trusted, as it could do either anyway, and
// may use the key of whom it likes. What is neither a file nor a pipe has modes of another meaning.
function lookAt(about, name, warn) {
  if (!about.isFile() && !about.isFIFO()) return;
  const me = process.geteuid();
  const strange = about.uid !== me && about.uid !== 0;
  if (strange && me !== 0) throw new Error(`${name} belongs to another user, who can change it`);
  if (about.mode & 0o022) throw new Error(`${name} can be written by others; chmod go-w mends it`);
  if (strange) warn(`${name} belongs to user ${about.uid}, who can change it`);
  if (about.mode & 0o044) warn(`${name} can be read by others; chmod go-r mends it`);
}

function textOf(handle, name) {
  const bytes = Buffer.alloc(MOST + 1);
  let size = 0;
  for (let got = 1; got > 0 && size < bytes.length; size += got) got = fs.readSync(handle, bytes, size, bytes.length - size, null);
  if (size > MOST) throw new Error(`${name} is too large for a key`);
  return bytes.toString('utf8', 0, size);
}

/**
 * What a key file holds. One that others can write is refused, and so is one that belongs neither to us nor to root.
 * @param {string} file
 * @param {(words: string) => void} warn told that others can read it, and to root that it belongs to another user
 */
function readKeyFile(file, warn) {
  return opened(file, O_RDONLY, (handle, about) => {
    lookAt(about, file, warn);
    return textOf(handle, file);
  });
}

/** Makes a folder that nobody else can look into, or takes one that belongs to us and that nobody else can write. */
function ownFolder(folder) {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  opened(folder, O_RDONLY | O_DIRECTORY, (_, about) => {
    if (about.uid !== process.geteuid()) throw new Error(`${folder} belongs to user ${about.uid}, not to us`);
    if (about.mode & 0o022) throw new Error(`${folder} can be written by others; chmod go-w mends it`);
  });
}

module.exports = { ownFolder, readKeyFile };
