// The shared worker: all tabs of the browser meet here, and one connection serves them.

import { Hub } from "./stream_hub.js";

const hub = new Hub();
addEventListener("connect", (event) => hub.join(event.ports[0]));
