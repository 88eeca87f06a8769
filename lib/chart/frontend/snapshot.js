// A PNG of all panes with their legends.

export function snapshot(panes, legends, theme) {
  const shots = panes.map((pane) => pane.chart.takeScreenshot());
  const ratio = shots[0].width / Math.max(1, panes[0].host.clientWidth);
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(...shots.map((shot) => shot.width));
  const gap = Math.max(1, Math.round(ratio));
  const foot = 18 * ratio;
  canvas.height = shots.reduce((sum, shot) => sum + shot.height + gap, foot - gap);
  const context = canvas.getContext("2d");
  context.fillStyle = theme.background;
  context.fillRect(0, 0, canvas.width, canvas.height);
  let top = 0;
  shots.forEach((shot, at) => {
    if (at) {
      context.fillStyle = theme.edge;
      context.fillRect(0, top - gap, canvas.width, gap);
    }
    context.drawImage(shot, 0, top);
    write(context, legends[at].lines(), top, ratio, theme);
    top += shot.height + gap;
  });
  context.fillStyle = theme.muted;
  context.font = `${10 * ratio}px ${theme.font}`;
  context.fillText("Charts by TradingView", 8 * ratio, canvas.height - 5 * ratio);
  return canvas;
}

function write(context, rows, top, ratio, theme) {
  let y = top + 18 * ratio;
  for (const row of rows) {
    let x = 10 * ratio;
    for (const item of row) {
      for (const part of item.parts) {
        context.font = `${part.bold ? "600 " : ""}${12 * ratio}px ${theme.font}`;
        context.fillStyle = part.color || (part.bold ? theme.text : theme.muted);
        context.fillText(part.text, x, y);
        x += context.measureText(part.text).width + 4 * ratio;
      }
      x += 8 * ratio;
    }
    y += 17 * ratio;
  }
}

export function download(canvas, name) {
  canvas.toBlob((blob) => {
    if (!blob) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
}
