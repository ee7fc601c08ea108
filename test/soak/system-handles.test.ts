/** Functions of ntdll are called as Wine's dispatcher of system calls reads them. */
import { expect } from 'chai';
import type { KoffiModule } from '../../ffi/koffi.ts';
import { loadProcessFunctions } from '../../ffi/process.ts';
import { loadSystemInformation, SYSTEM_CALL_WORDS } from './system-handles.ts';

describe('the functions that count handles', () => {
  it('gives every system call as many arguments as the dispatcher may read off the stack', () => {
    const declarations: string[] = [];
    const func = (declaration: string): (() => number) => {
      declarations.push(declaration);
      return () => 0;
    };
    const koffi = { load: () => ({ func }) } as unknown as KoffiModule;
    loadProcessFunctions(koffi);
    loadSystemInformation(koffi);
    const systemCalls = declarations.filter((declaration) => /\b(Nt|Zw)[A-Z]\w*\(/.test(declaration));
    expect(systemCalls).to.have.length.above(0);
    for (const declaration of systemCalls) {
      expect(declaration.split(',')).to.have.length.of.at.least(SYSTEM_CALL_WORDS, declaration);
    }
  });
});
