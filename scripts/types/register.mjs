// node --import=…/register.mjs: lets a Node.js that cannot strip types itself (20, and 22 before 22.18) run our TypeScript.
//
// tsx does as much, in twice the time: it loads what can be required as CommonJS, where each use of an import is a call, and keeps
// the names of functions, at the cost of a call for each function that is made.
import { register } from 'node:module';
import process from 'node:process';

process.setSourceMapsEnabled(true);
register('./hooks.mjs', import.meta.url);
