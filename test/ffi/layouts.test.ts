/** The byte offsets in ffi/layouts.ts against the layout that koffi computes from the C declarations. */
import { expect } from 'chai';
import { loadKoffi, type KoffiModule } from '../../ffi/koffi.ts';
import * as layouts from '../../ffi/layouts.ts';
import { C_DECLARATIONS } from './c-declarations.ts';

type StructName = keyof typeof C_DECLARATIONS;

describe('ffi/layouts.ts', () => {
  let koffi: KoffiModule;
  before(function () {
    try {
      koffi = loadKoffi();
    } catch {
      this.skip(); // koffi has no binary for this host; the Windows part asks again
    }
  });

  for (const name of Object.keys(C_DECLARATIONS) as StructName[]) {
    it(`${name} lies as the compiler would lay it`, () => {
      const members: Record<string, string> = C_DECLARATIONS[name];
      const { size, ...offsets } = layouts[name] as Record<string, number> & { size: number };
      const struct = koffi.struct(members);
      expect(koffi.sizeof(struct), 'size').to.equal(size);
      expect(Object.keys(offsets), 'members').to.deep.equal(Object.keys(members));
      for (const [member, offset] of Object.entries(offsets)) {
        expect(koffi.offsetof(struct, member), member).to.equal(offset);
      }
    });
  }

  it('has a declaration for every layout', () => {
    const structs = Object.entries(layouts).filter(([, value]) => typeof value === 'object' && 'size' in value);
    expect(structs.map(([name]) => name).sort()).to.deep.equal(Object.keys(C_DECLARATIONS).sort());
  });
});
