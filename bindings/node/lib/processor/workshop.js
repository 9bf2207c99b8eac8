'use strict';
// What of the command is for authors of scripts: `dev`, --page and --inspect, around a deployment. All of it is loaded for them alone.

const { Deployment } = require('./deployment.js');

function inspected({ port, wait }, show) {
  const { openInspector } = require('./dev/inspector.js');
  const debug = openInspector(port);
  show({ event: 'inspect', url: debug.url, waits: wait });
  if (wait) debug.wait();
  return debug;
}

/**
 * Starts a deployment with a page, a debugger, or restarts: { ended, stop() }, as a deployment is.
 * @param {object} settings of settings.js
 * @param {{dev?: boolean, page?: number, inspect?: {port: number, wait: boolean}}} wishes ports; 0 takes a free one
 * @param {(told: object) => void} show
 */
async function startWorkshop(settings, { dev, page: port, inspect }, show) {
  const closers = [];
  let tell = show;
  const close = async () => {
    for (const one of closers.reverse()) await one.close();
  };
  try {
    if (inspect) closers.push(inspected(inspect, show)); // first of all and at once: signals are still the system's while it waits
    if (port !== undefined) {
      const { Page } = require('./page/server.js');
      const page = await Page.start(port, settings);
      closers.push(page);
      tell = (told) => {
        page.put(told);
        show(told);
      };
      show({ event: 'page', url: page.url });
    }
    const running = dev
      ? await require('./dev/session.js').Session.start(settings, tell)
      : await Deployment.start({ ...settings, watched: port !== undefined, onEvent: tell });
    const ended = running.ended.then(async (code) => {
      await close();
      return code;
    });
    return { ended, stop: () => running.stop().then(() => ended) };
  } catch (error) {
    await close();
    throw error;
  }
}

module.exports = { startWorkshop };
