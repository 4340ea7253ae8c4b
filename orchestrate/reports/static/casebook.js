// Draws every chart of the page from the data beside it, for wide or for narrow screens.
"use strict";

(function () {
  var NARROW = 900; // pixels, as in casebook.css and charts.py

  function load(plot) {
    return JSON.parse(document.getElementById(plot.id + "-data").textContent);
  }

  function draw(plot, chart) {
    var form = plot.clientWidth < NARROW ? "narrow" : "wide";
    if (plot.dataset.form === form) {
      return;
    }
    plot.dataset.form = form;
    // A fresh start: going from one form to the other changes the number of traces.
    Plotly.purge(plot);
    Plotly.newPlot(plot, chart[form].data, chart[form].layout, chart.config).then(function () {
      plot.dataset.drawn = form;
    });
  }

  document.querySelectorAll(".plot").forEach(function (plot) {
    var chart = load(plot);
    draw(plot, chart);
    new ResizeObserver(function () {
      draw(plot, chart);
    }).observe(plot);
  });
})();
