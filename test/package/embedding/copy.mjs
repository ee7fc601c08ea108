// The package as part of a library that its author has bundled.
export * from 'iocp-pal';
