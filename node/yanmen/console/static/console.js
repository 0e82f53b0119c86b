// Draws the charts from what the page itself holds, and pauses what moves. Nothing is evaluated and nothing is sent.
"use strict";

const dark = window.matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  const theme = document.documentElement.dataset.theme;
  return theme === "dark" || (theme === "auto" && dark.matches);
}

function option(chart) {
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue("--ink").trim();
  const line = style.getPropertyValue("--line").trim();
  const axis = { axisLabel: { color: ink }, axisLine: { lineStyle: { color: line } }, splitLine: { lineStyle: { color: line } } };
  const series = chart.series.map((each) => ({
    name: each.name,
    data: each.data,
    type: chart.kind,
    stack: "all",
    areaStyle: chart.kind === "line" ? { opacity: 0.35 } : undefined,
    symbolSize: 7,
  }));
  const last = chart.series.reduce((sum, each) => sum + (each.data.at(-1) ?? 0), 0);
  const near = last * 4 >= chart.limit; // far above everything it would only press the rest flat
  if (chart.limit > 0 && near && series.length > 0) {
    series[0].markLine = {
      silent: true,
      symbol: "none",
      data: [{ yAxis: chart.limit, name: chart.limit_name }],
      label: { formatter: "{b}", color: ink, position: "insideEndTop" },
      lineStyle: { type: "dashed", color: ink },
    };
  }
  const top = near ? chart.limit * 1.05 : 0;
  return {
    animation: false,
    backgroundColor: "transparent",
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    aria: { enabled: false },
    legend: { top: 0, textStyle: { color: ink }, type: "scroll" },
    tooltip: { trigger: "axis", renderMode: "richText" },
    grid: { left: 90, right: 30, top: 40, bottom: 40 },
    xAxis: { type: "category", data: chart.places, ...axis },
    yAxis: { type: "value", max: top > 0 ? (value) => Math.max(top, value.max) : undefined, ...axis },
    series,
  };
}

const drawn = [];

function draw() {
  while (drawn.length > 0) drawn.pop().dispose();
  for (const place of document.querySelectorAll("[data-chart]")) {
    const chart = echarts.init(place, isDark() ? "dark" : null, { renderer: "canvas" });
    chart.setOption(option(JSON.parse(place.dataset.chart)));
    drawn.push(chart);
  }
}

if (document.querySelector("[data-chart]") !== null) {
  draw();
  dark.addEventListener("change", draw);
  window.addEventListener("resize", () => drawn.forEach((chart) => chart.resize()));
}

let paused = false;
for (const button of document.querySelectorAll("[data-pauses]")) {
  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
  });
  document.addEventListener("htmx:before:request", (event) => {
    if (paused && event.target.id === button.dataset.pauses) event.preventDefault();
  });
}
