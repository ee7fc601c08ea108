'use strict';
/**
 * As much of koffi as the library uses, on node:ffi: for running the tests, or any program, on node:ffi with the library unchanged. A trial and
 * nothing to rely on: node:ffi does not keep the error code of a call (docs/node-ffi.md).
 *
 *   NODE_OPTIONS='--require ./benchmarks/ffi/koffi-stand-in.cjs' npm test -- --part=windows --node=26
 *
 * A preload that answers whoever asks for koffi with this file. A waiter thread inherits no preloads, and is told to load this file as its koffi.
 */
const { pathToFileURL } = require('node:url');
const { compileFunction } = require('node:vm');

/** @typedef {(...args: (number | bigint)[]) => number | bigint} Call */
/** @typedef {(...args: number[]) => number} NumberCall what koffi makes of a function here */
/** @typedef {{ url: string, format: string, shortCircuit: boolean }} Found */
/** @typedef {(specifier: string, context: object, next: (specifier: string, context: object) => Found) => Found} Resolve */

/** koffi's types, by node:ffi's names. */
const TYPES = new Map([
  ['void', 'void'],
  ['int', 'i32'],
  ['int32_t', 'i32'],
  ['uint32_t', 'u32'],
  ['uint16_t', 'u16'],
  ['uint8_t', 'u8'],
  ['intptr_t', 'i64'],
  ['uintptr_t', 'u64'],
  ['size_t', 'u64'],
]);

/** A result that is a string. */
const TEXT = 'const char *';

/** @returns {import('./node-ffi.ts').NodeFfi & { readonly toString: (pointer: bigint) => string | null }} */
const nodeFfi = () => /** @type {any} */ (process.getBuiltinModule('node:ffi'));

/** @param {string} type */
function typeOf(type) {
  const found = TYPES.get(type);
  if (found === undefined) throw new TypeError(`Cannot stand in for koffi: it has no type '${type}' here`);
  return found;
}

/** @param {string} type of node:ffi */
const isLong = (type) => type.endsWith('64');

/**
 * Numbers on both sides. A bigint is made of each argument of 64 bits, and a number of such a result.
 * @param {Call} call
 * @param {string} result
 * @param {readonly string[]} types
 * @returns {NumberCall}
 */
function onNumbers(call, result, types) {
  const names = types.map((_, index) => `a${index}`);
  const args = types.map((type, index) => (isLong(type) ? `BigInt(a${index})` : `a${index}`));
  const called = `call(${args.join(', ')})`;
  const body = `return (${names.join(', ')}) => ${isLong(result) ? `Number(${called})` : called};`;
  const make = /** @type {(call: Call) => NumberCall} */ (compileFunction(body, ['call']));
  return make(call);
}

/** @param {string} declaration of C */
function parse(declaration) {
  const [, result = '', name = '', list = ''] = /^(.*?)\s*(?:__stdcall )?(\w+)\((.*)\)$/.exec(declaration) ?? [];
  const parameters = list === '' ? [] : list.split(',').map((parameter) => parameter.trim().split(' ')[0] ?? '');
  return { result, name, types: parameters.map(typeOf) };
}

/** @param {string | null} dll */
function load(dll) {
  const ffi = nodeFfi();
  const { DynamicLibrary } = ffi;
  const file = dll ?? process.execPath;
  const library = new DynamicLibrary(file);
  return {
    /** @param {string} declaration */
    func(declaration) {
      const { result, name, types } = parse(declaration);
      if (result === TEXT) {
        const call = library.getFunction(name, { return: 'u64', arguments: types });
        return () => ffi.toString(/** @type {bigint} */ (call()));
      }
      // A library of its own: one gives a function one signature only.
      const call = new DynamicLibrary(file).getFunction(name, { return: typeOf(result), arguments: types });
      return onNumbers(call, typeOf(result), types);
    },
  };
}

/** VARIANT, oaidl.h, for 64 bits: its type and its value. */
const VARIANT = { vt: 0, value: 8, size: 24 };
const VT_I4 = 3;
const VT_UI8 = 21;
const CC_STDCALL = 4;
/** Where DispCallFunc's arguments lie in a page of their own: types, addresses of values, the result, the values. */
const PLACES = { types: 0, addresses: 64, result: 512, values: 1024, size: 65536 };

/**
 * node:ffi calls no pointers; DispCallFunc of oleaut32.dll does.
 *
 * Source: https://learn.microsoft.com/windows/win32/api/oleauto/nf-oleauto-dispcallfunc
 * @param {bigint} pointer
 * @param {readonly string[]} types
 * @returns {NumberCall}
 */
function callThrough(pointer, types) {
  const { DynamicLibrary, toArrayBuffer } = nodeFfi();
  const dispCallFunc = new DynamicLibrary('oleaut32.dll').getFunction('DispCallFunc', {
    return: 'i32',
    arguments: ['u64', 'u64', 'i32', 'u16', 'u32', 'u64', 'u64', 'u64'],
  });
  const virtualAlloc = new DynamicLibrary('kernel32.dll').getFunction('VirtualAlloc', {
    return: 'u64',
    arguments: ['u64', 'u64', 'u32', 'u32'],
  });
  // MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE; it stays as long as the process.
  const page = /** @type {bigint} */ (virtualAlloc(0n, BigInt(PLACES.size), 0x3000, 4));
  const view = new DataView(toArrayBuffer(page, PLACES.size, false));
  const valueAt = (/** @type {number} */ index) => PLACES.values + index * VARIANT.size;
  for (let index = 0; index < types.length; index++) {
    view.setUint16(PLACES.types + index * 2, VT_UI8, true);
    view.setBigUint64(PLACES.addresses + index * 8, page + BigInt(valueAt(index)), true);
    view.setUint16(valueAt(index) + VARIANT.vt, VT_UI8, true);
  }
  const [typesAt, addressesAt, resultAt] = [PLACES.types, PLACES.addresses, PLACES.result].map(
    (place) => page + BigInt(place),
  );
  if (typesAt === undefined || addressesAt === undefined || resultAt === undefined) throw new TypeError('No places');
  return (...args) => {
    args.forEach((value, index) => {
      view.setBigInt64(valueAt(index) + VARIANT.value, BigInt(value), true);
    });
    dispCallFunc(0n, pointer, CC_STDCALL, VT_I4, types.length, typesAt, addressesAt, resultAt);
    return view.getInt32(PLACES.result + VARIANT.value, true);
  };
}

module.exports = {
  load,
  /**
   * @param {string} _convention
   * @param {null} _name
   * @param {string} _result
   * @param {readonly string[]} types
   */
  proto: (_convention, _name, _result, types) => types.map(typeOf),
  decode: callThrough,
  /**
   * @param {number} address
   * @param {number} byteLength
   */
  view: (address, byteLength) => nodeFfi().toArrayBuffer(BigInt(address), byteLength, false),
  /** @param {ArrayBuffer} buffer */
  address: (buffer) => nodeFfi().getRawPointer(buffer),
};

/** Newer than this Node's @types, and than the Node that may run the scripts around the tests, which needs no koffi. */
const { registerHooks } = /** @type {{ registerHooks?: (hooks: { resolve: Resolve }) => void }} */ (
  /** @type {unknown} */ (require('node:module'))
);
registerHooks?.({
  resolve(specifier, context, next) {
    if (specifier !== 'koffi') return next(specifier, context);
    return { url: pathToFileURL(__filename).href, format: 'commonjs', shortCircuit: true };
  },
});
