// Files made in the browser from what is on the screen, each with the receipt inside it.
"use strict";
(() => {
  const { page, plotly, plotlyAddress, theme } = workbench;

  const save = (name, parts, type) => {
    const url = URL.createObjectURL(new Blob(parts, { type }));
    const anchor = workbench.make("a", { href: url, download: name });
    document.body.append(anchor);
    anchor.click();
    anchor.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };
  const plain = (value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);
  const ascii = (text) =>
    text.replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const escape = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  // rows of the figure on the screen: one block per trace
  const tables = (data) =>
    data
      .filter((trace) => trace.visible !== false && (trace.z || trace.y || trace.x))
      .map((trace) => {
        const title = trace.name ?? trace.type ?? "series";
        if (trace.z) {
          const columns = plain(trace.x) ?? Array.from(trace.z[0] ?? [], (_, i) => i);
          const rows = Array.from(trace.z, (row, i) => [trace.y?.[i] ?? i, ...row]);
          return { title, columns: ["", ...columns], rows };
        }
        const length = (trace.y ?? trace.x).length;
        const rows = Array.from({ length }, (_, i) => [trace.x?.[i] ?? i, trace.y?.[i] ?? ""]);
        return { title, columns: ["x", "y"], rows };
      });

  const cell = (value) => {
    const text = value === null || value === undefined || Number.isNaN(value) ? "" : String(value);
    const safe = /^[=+@\t]/.test(text) ? `'${text}` : text; // a spreadsheet must not run it
    return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const csv = (found, receipt) =>
    [
      `# receipt: ${JSON.stringify(receipt)}`,
      ...found.flatMap(({ title, columns, rows }) => [
        ["series", ...columns].map(cell).join(","),
        ...rows.map((row) => [title, ...row].map(cell).join(",")),
      ]),
    ].join("\n") + "\n";

  // PNG: a tEXt chunk after the header (PNG specification, 11.3.4.3); CRC-32 as in its annex D
  const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c;
  });
  const crc = (bytes) => {
    let c = 0xffffffff;
    for (const byte of bytes) c = crcTable[(c ^ byte) & 0xff] ^ (c >>> 8);
    return (c ^ 0xffffffff) >>> 0;
  };
  const textChunk = (keyword, text) => {
    const body = new TextEncoder().encode(`tEXt${keyword}\0${ascii(text)}`);
    const chunk = new Uint8Array(body.length + 8);
    const view = new DataView(chunk.buffer);
    view.setUint32(0, body.length - 4);
    chunk.set(body, 4);
    view.setUint32(body.length + 4, crc(body));
    return chunk;
  };
  const HEADER_END = 33; // signature 8, IHDR 25

  const size = (host) => ({ width: Math.round(host.clientWidth), height: Math.round(host.clientHeight) });
  const asFigure = (host) => ({
    data: host.data,
    layout: { ...host.layout, paper_bgcolor: page.grounds[theme()], plot_bgcolor: page.grounds[theme()] },
  });
  const svgText = async (host) => {
    const Plotly = await plotly();
    const url = await Plotly.toImage(asFigure(host), { format: "svg", ...size(host) });
    return decodeURIComponent(url.slice(url.indexOf(",") + 1));
  };
  const withFonts = async (svg) => {
    const face = [...document.fonts].find((font) => font.family.includes("Source Sans 3") && font.status === "loaded");
    const rule = [...document.styleSheets]
      .flatMap((sheet) => [...(sheet.href?.includes("workbench.css") ? sheet.cssRules : [])])
      .find((r) => r instanceof CSSFontFaceRule && r.cssText.includes("sans-3-latin-wght-normal"));
    if (!face || !rule) return svg;
    const bytes = new Uint8Array(await (await fetch(rule.cssText.match(/url\("?([^")]+)/)[1])).arrayBuffer());
    let binary = "";
    for (const byte of bytes) binary += String.fromCharCode(byte);
    const style = `<style>@font-face{font-family:'Source Sans 3 Variable';font-weight:200 900;src:url(data:font/woff2;base64,${btoa(binary)})}</style>`;
    return svg.replace(/(<svg[^>]*>)/, `$1${style}`);
  };
  const pngBytes = async (host, receipt) => {
    const { width, height } = size(host);
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(await withFonts(await svgText(host)))}`;
    await image.decode();
    const canvas = workbench.make("canvas", { width: width * 2, height: height * 2 });
    canvas.getContext("2d").drawImage(image, 0, 0, width * 2, height * 2);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    const bytes = new Uint8Array(await blob.arrayBuffer());
    return [bytes.subarray(0, HEADER_END), textChunk("receipt", JSON.stringify(receipt)), bytes.subarray(HEADER_END)];
  };

  const writtenTexts = ([{ rows }]) =>
    rows.map(
      ([title, text, note]) =>
        `<h2>${escape(title)}</h2><p style="max-width:44rem;white-space:pre-wrap">${escape(text)}</p><p><i>${escape(note)}</i></p>`,
    );
  const writtenFigure = async (host) => {
    const { data, layout } = asFigure(host);
    const script = await (await fetch(plotlyAddress(data))).text();
    const figure = JSON.stringify({ data, layout }, (_, v) => plain(v)).replaceAll("</", "<\\/");
    return [
      '<div id="figure" style="height:80vh"></div><script>',
      script.replaceAll("</script", "<\\/script"),
      `</script><script>const f=${figure};Plotly.newPlot("figure",f.data,f.layout,{responsive:true})</script>`,
    ];
  };

  const exporters = {
    async png(shown) {
      save(`${shown.file}.png`, await pngBytes(shown.host, shown.receipt), "image/png");
    },
    async svg(shown) {
      const metadata = `<metadata id="receipt">${escape(JSON.stringify(shown.receipt))}</metadata>`;
      const text = (await svgText(shown.host)).replace(/(<svg[^>]*>)/, `$1${metadata}`);
      save(`${shown.file}.svg`, [text], "image/svg+xml");
    },
    async csv(shown) {
      save(`${shown.file}.csv`, [csv(shown.tables, shown.receipt)], "text/csv");
    },
    async json(shown) {
      const { study, params, summary, receipt } = shown;
      const body = { method: study, params, position: shown.values, summary, receipt, tables: shown.tables };
      save(`${shown.file}.json`, [JSON.stringify(body, (_, v) => plain(v), 2)], "application/json");
    },
    async html(shown) {
      const receipt = JSON.stringify(shown.receipt, null, 1).replaceAll("</", "<\\/");
      const parts = [
        `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escape(shown.title)}</title>`,
        `<body style="margin:2rem;background:${page.grounds[theme()]};color:${page.inks[theme()]};font-family:sans-serif">`,
        ...(shown.hasTexts ? writtenTexts(shown.tables) : await writtenFigure(shown.host)),
        `<p>${escape(shown.words)}</p><script type="application/json" id="receipt">${receipt}</script>`,
      ];
      save(`${shown.file}.html`, parts, "text/html");
    },
    // a file of the study's own, written by the server of the result that is shown
    async written({ name, file }, panel) {
      const where = new URLSearchParams({ study: panel.study.slug, name });
      const answer = await fetch(`workbench-download?${where}`, { method: "POST", body: JSON.stringify(panel.values), headers: { "X-Workbench": "1" } });
      if (answer.ok) save(file, [await answer.blob()], answer.headers.get("content-type"));
      else panel.complain(await answer.json());
    },
    settings(study, params) {
      save(`${study}-settings.json`, [JSON.stringify({ study, params }, null, 2)], "application/json");
    },
  };
  Object.assign(workbench, { exporters, tables });
})();
