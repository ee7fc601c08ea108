/** Functions of ntdll are called as Wine's dispatcher of system calls reads them. */
import { expect } from 'chai';
import type { KoffiModule } from '../../ffi/koffi.ts';
import { loadProcessFunctions, SYSTEM_CALL_WORDS } from '../../ffi/process.ts';

describe('ffi/process.ts', () => {
  it('gives every system call as many arguments as the dispatcher may read off the stack', () => {
    const declarations: string[] = [];
    const func = (declaration: string): (() => number) => {
      declarations.push(declaration);
      return () => 0;
    };
    loadProcessFunctions({ load: () => ({ func }) } as unknown as KoffiModule);
    const systemCalls = declarations.filter((declaration) => /\b(Nt|Zw)[A-Z]\w*\(/.test(declaration));
    expect(systemCalls).to.have.length.above(0);
    for (const declaration of systemCalls) {
      expect(declaration.split(',')).to.have.length.of.at.least(SYSTEM_CALL_WORDS, declaration);
    }
  });
});
