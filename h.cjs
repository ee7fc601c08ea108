const koffi=require('koffi');const k=koffi.load('kernel32.dll');
const cur=k.func('intptr_t __stdcall GetCurrentProcess()');
const f=k.func('int __stdcall GetProcessHandleCount(intptr_t h, uintptr_t p)');
const b=koffi.alloc('uint32_t',1);
const g=()=>{const r=f(cur(),koffi.address(b));return [r,koffi.decode(b,'uint32_t')]};
console.log(g());
const net=require('net');const s=[];for(let i=0;i<50;i++)s.push(net.createServer().listen(0));
setTimeout(()=>{console.log(g());process.exit()},300);
