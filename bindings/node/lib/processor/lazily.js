'use strict';
// Members that cost nothing before a script looks at them.

/** Gives an object members that are made when they are first read. A script may replace them. */
function lazily(object, makers, enumerable = true) {
  for (const [name, make] of Object.entries(makers)) {
    const set = (value) => Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable });
    const get = () => {
      set(make());
      return object[name];
    };
    Object.defineProperty(object, name, { get, set, configurable: true, enumerable });
  }
  return object;
}

module.exports = { lazily };
