// Draws what the kernel sends with Plotly.react, which changes only what differs; a newer figure replaces one still waiting.
export default {
  render({ model, el }) {
    el.classList.add("workbench-chart");
    let busy = false;
    let waiting = false;
    const draw = async () => {
      const figure = model.get("figure");
      el.style.display = figure.data ? "block" : "none";
      if (!figure.data) return;
      if (busy) { waiting = true; return; }
      busy = true;
      try {
        const moving = figure.data.some((trace) => trace.type === "sankey" || trace.type === "treemap"); // react animates them
        await (moving ? Plotly.newPlot : Plotly.react)(el, figure.data, figure.layout, { displaylogo: false, responsive: true });
        if (!el.dataset.drawn) {
          el.on("plotly_click", (event) => {
            const point = event.points[0];
            model.set("clicked", { trace: point.curveNumber, point: point.pointNumber, data: point.customdata ?? "" });
            model.save_changes();
          });
        }
        el.dataset.drawn = String(Number(el.dataset.drawn ?? 0) + 1);
      } finally {
        busy = false;
      }
      if (waiting) { waiting = false; draw(); }
    };
    model.on("change:figure", draw);
    requestAnimationFrame(draw);
    return () => { model.off("change:figure", draw); Plotly.purge(el); };
  },
};
