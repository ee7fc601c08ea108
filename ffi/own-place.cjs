'use strict';
// own-place.ts for CommonJS: `npm run build` puts it into the published CommonJS files.

/** @returns {string | undefined} this file */
exports.ownPlace = () => (typeof __filename === 'string' ? __filename : undefined);

/**
 * Written so that bundlers see it: those who can bundle koffi's native add-on do, and the others leave it to Node.js.
 * @returns {typeof import('koffi', { with: { 'resolution-mode': 'require' } })}
 */
exports.bundledKoffi = () => require('koffi');
