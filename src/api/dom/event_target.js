// Placeholder until this folder is written: enough for the bundle to link.
export class Event { constructor(t){this.type=t;} get defaultPrevented(){return false;} }
const L = new WeakMap();
export class EventTarget { addEventListener(t,f){ let m=L.get(this); if(!m) L.set(this,m={}); (m[t]??=[]).push(f);} removeEventListener(){} dispatchEvent(e){dispatch_event(this,e);return true;} }
export function dispatch_event(t,e){ for(const f of L.get(t)?.[e.type]??[]) f.call(t,e); }
export function has_listeners(t,ty){ return (L.get(t)?.[ty]?.length??0)>0; }
