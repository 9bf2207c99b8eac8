'use strict';
// A script of TypeScript or of several files as one file, by esbuild, again after each change.

const fs = require('node:fs');
const path = require('node:path');
const { libraries } = require('../chains/library.js');

const ESM = /\.m[jt]s$/;
const REQUIRE = "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

/** What esbuild complains about, as errors of the runner. */
function problemsOf(messages, folder) {
  return messages.map(({ text, location }) => {
    if (!location) return { name: 'BuildError', message: text, stack: `BuildError: ${text}` };
    const { file, line, column, lineText } = location;
    const place = path.resolve(folder, file);
    const stack = [`${place}:${line}`, lineText, `${' '.repeat(column)}^`, '', `BuildError: ${text}`].join('\n');
    return { name: 'BuildError', message: text, file: place, line, column: column + 1, stack };
  });
}

function optionsOf(script, folder) {
  const esm = ESM.test(script);
  const outfile = path.join(folder, `${path.basename(script, path.extname(script))}.${esm ? 'mjs' : 'cjs'}`);
  return {
    absWorkingDir: path.dirname(script),
    banner: esm ? { js: REQUIRE } : {},
    bundle: true,
    entryPoints: [script],
    external: ['*.node'],
    format: esm ? 'esm' : 'cjs',
    keepNames: true,
    logLevel: 'silent',
    outfile,
    platform: 'node',
    sourcemap: 'linked',
    target: `node${process.versions.node}`,
    write: false,
  };
}

/** Writes what was built; false where it is what was there. */
function written(files) {
  const same = files.every(({ path: file, contents }) => fs.existsSync(file) && fs.readFileSync(file).equals(contents));
  if (!same) for (const { path: file, contents } of files) fs.writeFileSync(file, contents);
  return !same;
}

class Bundler {
  #context;

  /**
   * Builds at once, and again whenever a file of it changes, until it is closed.
   * @param {string} folder where the bundle is written
   * @param {(built: {ms: number, changed: boolean, problems: object[], warnings: object[], script: string}) => void} onBuilt
   */
  static async start(script, folder, onBuilt) {
    const esbuild = libraries(script)('esbuild', 'acurast-processor dev');
    const bundler = new Bundler();
    const options = optionsOf(script, folder);
    let began;
    const report = ({ errors, warnings, outputFiles = [] }) => {
      const [problems, doubts] = [errors, warnings].map((messages) => problemsOf(messages, options.absWorkingDir));
      const changed = problems.length === 0 && written(outputFiles);
      onBuilt({ ms: Math.round(performance.now() - began), changed, problems, warnings: doubts, script: options.outfile });
    };
    const plugin = {
      name: 'acurast-processor',
      setup(build) {
        build.onStart(() => void (began = performance.now()));
        build.onEnd(report);
      },
    };
    bundler.#context = await esbuild.context({ ...options, plugins: [plugin] });
    await bundler.#context.watch();
    return bundler;
  }

  close() {
    return this.#context.dispose();
  }
}

module.exports = { Bundler };
