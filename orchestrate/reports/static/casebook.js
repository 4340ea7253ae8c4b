// Draws every chart of the page from the data beside it, and lets tables be sorted and searched.
"use strict";

(function () {
  var NARROW = 900; // pixels, as in casebook.css and charts.py
  var SEARCHED = 12; // rows from which on a table has a field to search it

  // Charts

  /** Let a drawn chart grow and shrink with the sheet that it is printed on. */
  function printable(plot) {
    var width = plot.clientWidth;
    var height = plot.clientHeight;
    plot.style.setProperty("--drawn", width + " / " + height);
    plot.querySelectorAll(".main-svg").forEach(function (svg) {
      svg.setAttribute("viewBox", "0 0 " + width + " " + height);
    });
  }

  function draw(plot, chart) {
    var form = plot.clientWidth < NARROW ? "narrow" : "wide";
    if (plot.dataset.form === form || window.matchMedia("print").matches) {
      return;
    }
    plot.dataset.form = form;
    // A fresh start: going from one form to the other changes the number of traces.
    Plotly.purge(plot);
    Plotly.newPlot(plot, chart[form].data, chart[form].layout, chart.config).then(function () {
      plot.on("plotly_afterplot", function () {
        printable(plot);
      });
      printable(plot);
      plot.dataset.drawn = form;
    });
  }

  document.querySelectorAll(".plot").forEach(function (plot) {
    var chart = JSON.parse(document.getElementById(plot.id + "-data").textContent);
    draw(plot, chart);
    new ResizeObserver(function () {
      draw(plot, chart);
    }).observe(plot);
  });

  document.querySelectorAll(".show-all").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      var box = document.getElementById(button.getAttribute("aria-controls"));
      var isOpen = box.classList.toggle("whole");
      button.setAttribute("aria-expanded", String(isOpen));
      button.textContent = isOpen ? button.dataset.less : button.dataset.more;
    });
  });

  // Views of one thing: one at a time, which the address names

  document.querySelectorAll(".views").forEach(function (nav) {
    var links = Array.from(nav.querySelectorAll("a"));
    function show() {
      var asked = links.findIndex(function (link) {
        return link.hash === window.location.hash;
      });
      links.forEach(function (link, place) {
        var isShown = place === Math.max(asked, 0);
        document.getElementById(link.hash.slice(1)).classList.toggle("aside", !isShown);
        if (isShown) {
          link.setAttribute("aria-current", "true");
        } else {
          link.removeAttribute("aria-current");
        }
      });
    }
    window.addEventListener("hashchange", show);
    show();
  });

  // Tables

  /** @returns {number|string} what a cell is sorted by: its number, where it has one */
  function rank(cell) {
    var text = cell.textContent.replace("✓", "").trim();
    if (text === "Met") {
      return 0; // nothing remains
    }
    var number = Number(text.replace(/[$,%\s\u00a0\u202f]/g, ""));
    return text === "" || Number.isNaN(number) ? text.toLowerCase() : number;
  }

  function compare(one, other) {
    var isNumber = typeof one === "number";
    if (isNumber !== (typeof other === "number")) {
      return isNumber ? -1 : 1; // what has no number comes last
    }
    return isNumber ? one - other : one.localeCompare(other);
  }

  function sortable(table) {
    var heads = table.querySelectorAll("thead th");
    var body = table.tBodies[0];
    heads.forEach(function (head, place) {
      var button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      while (head.firstChild) {
        button.appendChild(head.firstChild);
      }
      head.appendChild(button);
      button.addEventListener("click", function () {
        var was = head.getAttribute("aria-sort");
        // Words from A to Z, numbers from the highest: what is looked for first.
        var first = head.classList.contains("right") ? "descending" : "ascending";
        var order = was === null ? first : was === "ascending" ? "descending" : "ascending";
        heads.forEach(function (one) {
          one.removeAttribute("aria-sort");
        });
        head.setAttribute("aria-sort", order);
        var sign = order === "ascending" ? 1 : -1;
        Array.from(body.rows)
          .map(function (row) {
            return [rank(row.cells[place]), row];
          })
          .sort(function (one, other) {
            return sign * compare(one[0], other[0]);
          })
          .forEach(function (pair) {
            body.appendChild(pair[1]);
          });
      });
    });
  }

  function searchable(box, table) {
    var rows = Array.from(table.tBodies[0].rows);
    var label = document.createElement("label");
    var field = document.createElement("input");
    var told = document.createElement("span");
    label.className = "search";
    label.textContent = "Search this table ";
    field.type = "search";
    told.setAttribute("role", "status");
    field.addEventListener("input", function () {
      var words = field.value.toLowerCase().split(/\s+/);
      var shown = rows.filter(function (row) {
        var text = row.textContent.toLowerCase();
        row.hidden = !words.every(function (word) {
          return text.includes(word);
        });
        return !row.hidden;
      }).length;
      told.textContent = shown === rows.length ? "" : " " + shown + " of " + rows.length + " rows";
    });
    label.appendChild(field);
    label.appendChild(told);
    box.parentNode.insertBefore(label, box);
  }

  document.querySelectorAll(".table-box").forEach(function (box) {
    var table = box.querySelector("table");
    if (table.tBodies[0].rows.length > 1) {
      sortable(table);
    }
    if (table.tBodies[0].rows.length >= SEARCHED) {
      searchable(box, table);
    }
  });
})();
