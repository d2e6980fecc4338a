// What every page starts with.

import * as address from "./address.js";
import * as alerts from "./alerts.js";
import * as beats from "./beats.js";
import * as charts from "./charts.js";
import * as copy from "./copy.js";
import * as course from "./course.js";
import * as dialogs from "./dialogs.js";
import * as feed from "./feed.js";
import * as heatmap from "./heatmap.js";
import * as menu from "./menu.js";
import * as messages from "./messages.js";
import * as panel from "./panel.js";
import * as refresh from "./refresh.js";
import * as resources from "./resources.js";
import * as shortcuts from "./shortcuts.js";
import * as times from "./times.js";
import * as toast from "./toast.js";
import * as writing from "./writing.js";

const PARTS = [
  dialogs,
  address,
  times,
  menu,
  copy,
  panel,
  beats,
  charts,
  course,
  heatmap,
  resources,
  feed,
  alerts,
  messages,
  refresh,
  shortcuts,
  toast,
  writing,
];

for (const part of PARTS) part.start();
