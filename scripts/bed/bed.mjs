// npm run bed -- NAME [arguments of npm test]: runs the tests on another bed than this machine as it is.
//
//   busy       this machine, beside a loop that keeps each of its CPUs busy
//   one-cpu    this machine, with one CPU
//   trixie     Debian 13, which has Wine 10: made from nothing in a cache folder; as root, on Debian or Ubuntu
//
//   npm run bed -- trixie --node=24 --part=windows test/conformance
//   npm run bed -- trixie --run 'wine --version'      a shell command there, in a copy of this checkout
import { main as debian } from './debian-bed.mjs';
import { main as slow } from './slow-bed.mjs';

const USAGE = `npm run bed -- trixie|busy|one-cpu [arguments of npm test]
  busy       this machine, beside a loop that keeps each of its CPUs busy
  one-cpu    this machine, with one CPU
  trixie     Debian 13 with Wine 10, made from nothing (as root); --run COMMAND runs a shell command there instead of the tests`;

const [name, ...args] = process.argv.slice(2);
switch (name) {
  case 'busy':
  case 'one-cpu':
    process.exitCode = await slow(name, args);
    break;
  case 'trixie':
    process.exitCode = await debian(name, args);
    break;
  default:
    console.error(name === undefined ? USAGE : `Cannot run on the bed ${name}: there is none of that name\n${USAGE}`);
    process.exitCode = 1;
}
