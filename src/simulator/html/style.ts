const light = `--page:#f7f7f5;--card:#fff;--ink:#1d2430;--quiet:#646d7a;--rule:#e4e4df;--axis:#9aa1ab;
--busy:#2f6fd0;--idle:#a9c6f2;--starting:#f0b549;--wasted:#d0453b;--waiting:#8b7bd8;--age:#5aa897;--late:#d0453b;
--limit:#d0453b;--needed:#1d2430;--good:#1c7f4d;--bad:#c0392f;--kept:rgba(28,127,77,.08);
--s0:#2f6fd0;--s1:#e0782f;--s2:#1f9a73;--s3:#a24fb0;--s4:#b58900;--s5:#5b6673;
--r0:#2f6fd0;--r1:#e0a52f;--r2:#1f9a73;--r3:#a24fb0;--r4:#d0453b;--r5:#6fb7d6;--r6:#8a8f98;--r7:#c77f9b;`;
const dark = `--page:#12161c;--card:#1a2029;--ink:#e6e9ee;--quiet:#98a2b0;--rule:#2a323d;--axis:#5c6775;
--busy:#5d97ee;--idle:#2f4a72;--starting:#d99b34;--wasted:#e2665c;--waiting:#8f80dd;--age:#4f9c8c;--late:#e2665c;
--limit:#f0776d;--needed:#f2f4f7;--good:#4cc28a;--bad:#f0776d;--kept:rgba(76,194,138,.09);
--s0:#6ea2f2;--s1:#f0954f;--s2:#46c299;--s3:#c67bd3;--s4:#d9b13b;--s5:#9aa6b5;
--r0:#5d97ee;--r1:#dba83c;--r2:#3fb389;--r3:#bd73cb;--r4:#e2665c;--r5:#6fb7d6;--r6:#808996;--r7:#d28ba8;`;

const series = [0, 1, 2, 3, 4, 5]
  .map(
    (n) =>
      `.line.series${n}{stroke:var(--s${n})}circle.series${n},i.series${n}{fill:var(--s${n});background:var(--s${n})}`,
  )
  .join("");
const rules = [0, 1, 2, 3, 4, 5, 6, 7]
  .map((n) => `.rule${n}{fill:var(--r${n});background:var(--r${n})}`)
  .join("");
const areas = ["busy", "idle", "starting", "wasted", "waiting", "age", "late"]
  .map((name) => `.${name}{fill:var(--${name})}i.${name}{background:var(--${name})}`)
  .join("");

/** The page's look: light and dark by the reader's system, or by the button. */
export const style: string = `
:root{color-scheme:light;${light}}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){color-scheme:dark;${dark}}}
:root[data-theme=dark]{color-scheme:dark;${dark}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1120px;margin:0 auto;padding:28px 20px 60px}
header{display:flex;gap:16px;align-items:flex-start;justify-content:space-between;margin-bottom:6px}
h1{font-size:26px;line-height:1.2;margin:0;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:18px;margin:0}
h3{font-size:13px;margin:18px 0 2px;font-weight:600}
p{margin:0 0 4px}
.quiet{color:var(--quiet);fill:var(--quiet);font-weight:400}
button{font:inherit;font-size:13px;color:var(--ink);background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:6px 12px;cursor:pointer;white-space:nowrap}
button:hover{border-color:var(--axis)}
section{background:var(--card);border:1px solid var(--rule);border-radius:12px;padding:18px 20px;margin-top:18px}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:18px}
.pair section{min-width:0}
svg{display:block;width:100%;height:auto;margin-top:8px;overflow:visible}
svg.narrow{display:none}
text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--quiet)}
text.label{fill:var(--ink);font-weight:600;paint-order:stroke;stroke:var(--card);stroke-width:3px;stroke-linejoin:round}
text.label .quiet{stroke:none}
h2{overflow-wrap:anywhere}
.grid{stroke:var(--rule)}.axis,.notch{stroke:var(--axis)}
.line{fill:none;stroke-width:2;stroke-linejoin:round}
.needed{fill:none;stroke:var(--needed);stroke-width:1.4;stroke-dasharray:4 3}
.limit{stroke:var(--limit);stroke-width:1.4;stroke-dasharray:6 4}
.kept{fill:var(--kept)}
.cursor{stroke:var(--ink);stroke-width:1;opacity:.55}
${areas}${series}${rules}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:13px;color:var(--quiet);margin-top:6px}
.legend i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:6px}
.legend i.dash{height:0;border-top:2px dashed var(--needed);background:none;border-radius:0;vertical-align:middle;width:16px}
.legend i.dash.limit{border-color:var(--limit)}
.scroll{overflow-x:auto;margin-top:10px}
table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
th,td{padding:6px 8px;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap}
th{font-weight:500;color:var(--quiet);font-size:12.5px}
th:first-child,td:first-child{text-align:left;padding-left:0;white-space:normal;overflow-wrap:anywhere;min-width:130px}
th:last-child,td:last-child{padding-right:0}
tr:last-child td{border-bottom:0}
td i{display:inline-block;width:10px;height:10px;border-radius:50%;margin-right:8px}
.yes{color:var(--good)}.no{color:var(--bad)}
.decisions td{text-align:left;white-space:normal;vertical-align:top;font-size:13px}
.decisions td:first-child,.decisions td:nth-child(2){white-space:nowrap}
details{margin-top:12px}summary{cursor:pointer;font-size:14px;color:var(--quiet)}
#tip{position:fixed;pointer-events:none;z-index:9;background:var(--card);border:1px solid var(--axis);border-radius:8px;padding:7px 10px;font-size:12.5px;line-height:1.45;box-shadow:0 4px 16px rgba(0,0,0,.18);display:none;font-variant-numeric:tabular-nums}
footer{margin-top:26px;font-size:13px;color:var(--quiet);overflow-wrap:anywhere}
@media (max-width:760px){main{padding:18px 12px 40px}.pair{grid-template-columns:1fr;gap:0}section{padding:14px 12px;border-radius:10px;margin-top:14px}svg.wide{display:none}svg.narrow{display:block}h1{font-size:21px}
table.policies,.policies tbody{display:block}.policies tr{display:grid;grid-template-columns:repeat(4,1fr);gap:6px 8px;padding:10px 0;border-bottom:1px solid var(--rule)}.policies tr:last-child{border-bottom:0}.policies th,.policies td:empty{display:none}.policies tr:first-child{display:none}
.policies td{display:block;padding:0;border:0;text-align:left}.policies td:first-child{grid-column:1/4;font-weight:600}.policies tr:nth-last-child(-n+2) td:first-child{grid-column:1/-1}.policies td:nth-child(n+3)::before{content:attr(data-heading);display:block;font-size:11.5px;color:var(--quiet)}}
@media print{button{display:none}section{break-inside:avoid}}
`;

/** The button, and the figures under the pointer. Works without: the page is complete before it runs. */
export const script: string = `
const root=document.documentElement,button=document.getElementById("theme"),tip=document.getElementById("tip");
const isDark=()=>root.dataset.theme?root.dataset.theme==="dark":matchMedia("(prefers-color-scheme: dark)").matches;
button.onclick=()=>{root.dataset.theme=isDark()?"light":"dark"};
const runs=JSON.parse(document.getElementById("series").textContent);
const number=(v)=>v>=100?Math.round(v).toLocaleString("en"):String(+v.toFixed(v>=10?1:2));
const time=(s)=>s<120?number(s)+" s":s<7200?Math.floor(s/60)+" min "+Math.round(s%60)+" s":Math.floor(s/3600)+" h "+Math.round(s%3600/60)+" min";
for(const plot of document.querySelectorAll("svg[data-policy]")){
  const run=runs[plot.dataset.policy],left=+plot.dataset.left,right=+plot.dataset.right;
  const line=document.createElementNS("http://www.w3.org/2000/svg","line");
  line.setAttribute("class","cursor");line.style.display="none";plot.append(line);
  const hide=()=>{line.style.display="none";tip.style.display="none"};
  plot.addEventListener("pointerleave",hide);
  plot.addEventListener("pointermove",(event)=>{
    const box=plot.getBoundingClientRect(),view=plot.viewBox.baseVal;
    const x=(event.clientX-box.left)*view.width/box.width;
    const count=run.ready.length,column=Math.floor((x-left)/(right-left)*count);
    if(column<0||column>=count)return hide();
    line.setAttribute("x1",x);line.setAttribute("x2",x);line.setAttribute("y1",0);line.setAttribute("y2",view.height-26>0?view.height-26:view.height);
    line.style.display="";
    const rows=[["ready",number(run.ready[column])],["starting",number(run.starting[column])],["jobs running",number(run.running[column])]];
    if(run.needed.length)rows.push(["the bound would have",number(run.needed[column])]);
    rows.push(["waiting, at most",number(run.waiting[column])],["oldest wait",time(run.oldest[column])]);
    tip.replaceChildren();
    const head=document.createElement("b");head.textContent=time(column*run.column);tip.append(head);
    for(const [name,value] of rows){const row=document.createElement("div");row.textContent=name+": "+value;tip.append(row)}
    tip.style.display="block";
    const width=tip.offsetWidth;
    tip.style.left=Math.min(innerWidth-width-8,Math.max(8,event.clientX+14))+"px";
    tip.style.top=Math.max(8,event.clientY-tip.offsetHeight-14)+"px";
  });
}
`;
