/** The same comparison on Windows, where the alignment is the one that counts. */
import './layouts.test.ts';
