// Answers for any specialty and any months, from the rows in the page; the choice is in the address.
"use strict";

(function () {
  var data = JSON.parse(document.getElementById("explorer-data").textContent);
  var ALL = 0; // the place of "all" among the specialties
  var input = document.getElementById("specialty");
  var list = document.getElementById("specialty-list");
  var from = document.getElementById("from");
  var to = document.getElementById("to");
  var state = { specialty: ALL, from: 0, to: data.months.length - 1 };
  var active = -1; // the option that the keyboard is on

  function number(value) {
    return Math.round(value).toLocaleString("en-US");
  }

  function money(value) {
    return "$" + number(value);
  }

  function count(value, one, many) {
    return number(value) + " " + (value === 1 ? one : many);
  }

  function element(name, text, className) {
    var made = document.createElement(name);
    made.textContent = text;
    if (className) {
      made.className = className;
    }
    return made;
  }

  // The address: #specialty=…&from=YYYY-MM&to=YYYY-MM

  function read() {
    var asked = new URLSearchParams(window.location.hash.slice(1));
    var specialty = asked.get("specialty") || data.opens.specialty;
    var place = data.specialties.findIndex(function (one) {
      return one.id === specialty;
    });
    state.specialty = place < 0 ? ALL : place;
    state.from = month(asked.get("from") || data.opens.from, 0);
    state.to = month(asked.get("to") || data.opens.to, data.months.length - 1);
    if (state.from > state.to) {
      state.to = state.from;
    }
  }

  function month(text, otherwise) {
    // Where patients are placed in years alone, a month means its year.
    var place = data.months.indexOf(data.by_year ? text.slice(0, 4) + "-01" : text);
    return place < 0 ? otherwise : place;
  }

  /** Put the choice into the address; one that a reader made can be gone back from. */
  function write(isOwn) {
    var parts = new URLSearchParams();
    parts.set("specialty", data.specialties[state.specialty].id);
    parts.set("from", data.months[state.from] || "");
    parts.set("to", data.months[state.to] || "");
    var address = "#" + parts.toString();
    if (address === window.location.hash) {
      return;
    }
    if (isOwn) {
      window.history.pushState(null, "", address);
    } else {
      window.history.replaceState(null, "", address);
    }
  }

  // The picker: a text field with a list under it.

  function options() {
    return Array.prototype.slice.call(list.children);
  }

  /** @returns {string[]} the words of a text, `X-ray` as one */
  function words(text) {
    return text
      .toLowerCase()
      .normalize("NFD")
      .replace(/[\u0300-\u036f]/g, "")
      .replace(/(\w)[-'](?=\w)/g, "$1")
      .split(/[^a-z0-9]+/)
      .filter(Boolean);
  }

  /** Tell whether two words are the same but for one letter: missing, added, wrong or swapped. */
  function nearly(one, other) {
    var start = 0;
    while (start < one.length && one[start] === other[start]) {
      start += 1;
    }
    var rest = one.slice(start);
    var its = other.slice(start);
    return (
      rest.slice(1) === its.slice(1) ||
      rest.slice(1) === its ||
      rest === its.slice(1) ||
      (rest[0] === its[1] && rest[1] === its[0] && rest.slice(2) === its.slice(2))
    );
  }

  function begins(word, asked) {
    return [-1, 0, 1].some(function (more) {
      return asked.length > 4 && nearly(asked, word.slice(0, asked.length + more));
    });
  }

  /** @returns {number[]} places of what has every word that was typed, else all but for a slip */
  function found(text) {
    var wanted = words(text);
    function having(matches) {
      return data.specialties
        .map(function (_, place) {
          return place;
        })
        .filter(function (place) {
          var one = data.specialties[place];
          var own = words(one.name + " " + one.id);
          return wanted.every(function (asked) {
            return own.some(function (word) {
              return matches(word, asked);
            });
          });
        });
    }
    var exact = having(function (word, asked) {
      return word.includes(asked);
    });
    return exact.length
      ? exact
      : having(function (word, asked) {
          return word.includes(asked) || begins(word, asked);
        });
  }

  function offer(text) {
    list.textContent = "";
    found(text).forEach(function (place) {
      var one = data.specialties[place];
      var option = element("li", one.name);
      option.id = "option-" + place;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", String(place === state.specialty));
      option.dataset.place = place;
      if (one.procedures !== null) {
        option.appendChild(
          element("span", count(one.procedures, "procedure", "procedures") + ", " + count(one.patients, "patient", "patients"))
        );
      }
      option.addEventListener("mousedown", function (event) {
        event.preventDefault();
        choose(place);
      });
      list.appendChild(option);
    });
    if (!list.children.length) {
      list.appendChild(element("li", "No specialty has these words in its name or code.", "none"));
    }
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    move(-1);
  }

  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    input.value = data.specialties[state.specialty].name;
  }

  function move(place) {
    var all = options().filter(function (one) {
      return one.dataset.place !== undefined;
    });
    all.forEach(function (one) {
      one.classList.remove("active");
    });
    active = Math.max(-1, Math.min(place, all.length - 1));
    if (active < 0) {
      input.removeAttribute("aria-activedescendant");
      return;
    }
    all[active].classList.add("active");
    all[active].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", all[active].id);
  }

  function choose(place) {
    state.specialty = place;
    close();
    show(true);
  }

  input.addEventListener("focus", function () {
    input.select();
  });
  input.addEventListener("click", function () {
    offer("");
  });
  input.addEventListener("input", function () {
    offer(input.value);
    move(0);
  });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", function (event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) {
        offer("");
      }
      move(active + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" || event.key === "Tab") {
      if (event.key === "Enter") {
        event.preventDefault();
      }
      var option = list.querySelector(".active");
      if (!list.hidden && option) {
        choose(Number(option.dataset.place));
      }
    } else if (event.key === "Escape") {
      close();
    }
  });
  document.getElementById("explorer").addEventListener("submit", function (event) {
    event.preventDefault();
  });

  // Months

  function fill(select) {
    data.months.forEach(function (text, place) {
      var option = element("option", data.month_names[place]);
      option.value = String(place);
      select.appendChild(option);
    });
  }

  from.addEventListener("change", function () {
    state.from = Number(from.value);
    state.to = Math.max(state.to, state.from);
    show(true);
  });
  to.addEventListener("change", function () {
    state.to = Number(to.value);
    state.from = Math.min(state.from, state.to);
    show(true);
  });

  // Answers. A row of activity: patient, hospital, month, specialty, encounters, procedures.

  function chosenRows() {
    return data.activity.filter(function (row) {
      return row[3] === state.specialty && row[2] >= state.from && row[2] <= state.to;
    });
  }

  function summed(rows) {
    var patients = new Set();
    var encounters = 0;
    var procedures = 0;
    rows.forEach(function (row) {
      patients.add(row[0]);
      encounters += row[4];
      procedures += row[5];
    });
    return { patients: patients.size, encounters: encounters, procedures: procedures };
  }

  function facts(target, pairs) {
    target.textContent = "";
    pairs.forEach(function (pair) {
      var box = document.createElement("div");
      box.appendChild(element("dt", pair[0]));
      box.appendChild(element("dd", pair[1]));
      target.appendChild(box);
    });
  }

  function showMonths(rows) {
    var byMonth = [];
    for (var place = state.from; place <= state.to; place += 1) {
      byMonth.push([]);
    }
    rows.forEach(function (row) {
      byMonth[row[2] - state.from].push(row);
    });
    var sums = byMonth.map(summed);
    var body = document.querySelector("#by-month-table tbody");
    body.textContent = "";
    sums.forEach(function (sum, offset) {
      var line = document.createElement("tr");
      var head = element("th", data.month_names[state.from + offset], "left");
      head.scope = "row";
      line.appendChild(head);
      [sum.patients, sum.encounters, sum.procedures].forEach(function (value) {
        line.appendChild(element("td", number(value), "right"));
      });
      body.appendChild(line);
    });
    var plot = document.getElementById("by-month");
    var most = sums.reduce(function (top, sum) {
      return Math.max(top, sum.patients);
    }, 0);
    // Nobody is half a patient.
    data.layout.yaxis.dtick = most <= 5 ? 1 : undefined;
    // A month takes about 110 pixels to be written.
    data.layout.xaxis.nticks = Math.max(2, Math.floor(plot.clientWidth / 110));
    var lines = sums.map(function (sum, offset) {
      return [data.months[state.from + offset], sum.patients, sum.encounters, sum.procedures].join(",");
    });
    document.getElementById("choice").href =
      "data:text/csv;charset=utf-8," +
      encodeURIComponent("\ufeffmonth,patients,encounters,procedures\r\n" + lines.join("\r\n") + "\r\n");
    Plotly.react(
      plot,
      [
        {
          type: "bar",
          x: data.month_names.slice(state.from, state.to + 1),
          y: sums.map(function (sum) {
            return sum.patients;
          }),
          hovertext: sums.map(function (sum, offset) {
            return data.month_names[state.from + offset] + ": " + count(sum.patients, "patient", "patients");
          }),
          hoverinfo: "text",
          marker: { color: "#0072B2" },
        },
      ],
      data.layout,
      data.config
    ).then(function () {
      plot.dataset.drawn = "yes";
    });
  }

  function showHospitals() {
    var target = document.getElementById("hospitals");
    target.textContent = "";
    data.hospitals.forEach(function (hospital, place) {
      var rows = data.volumes.filter(function (row) {
        return row[0] === place && row[1] >= state.from && row[1] <= state.to;
      });
      var sums = [0, 0, 0, 0, 0];
      rows.forEach(function (row) {
        sums.forEach(function (_, index) {
          sums[index] += row[index + 2];
        });
      });
      var patients = summed(
        data.activity.filter(function (row) {
          return row[1] === place && row[3] === ALL && row[2] >= state.from && row[2] <= state.to;
        })
      ).patients;
      target.appendChild(element("h3", hospital.name));
      target.appendChild(element("p", hospital.address, "explanation"));
      var box = document.createElement("dl");
      box.className = "facts";
      facts(box, [
        ["Patients", number(patients)],
        ["Encounters", number(sums[0])],
        ["Procedures", number(sums[1])],
        ["Cost of procedures", money(sums[2])],
        ["Claims", money(sums[3])],
        ["Covered by the payer", money(sums[4])],
      ]);
      target.appendChild(box);
    });
  }

  function show(isOwn) {
    if (!data.months.length) {
      document.getElementById("chosen").textContent = "There is nothing that this membership may see.";
      return;
    }
    from.value = String(state.from);
    to.value = String(state.to);
    input.value = data.specialties[state.specialty].name;
    write(isOwn);
    var rows = chosenRows();
    var sum = summed(rows);
    document.getElementById("chosen").textContent =
      data.specialties[state.specialty].name + ", " + data.month_names[state.from] +
      (state.to > state.from ? " to " + data.month_names[state.to] : "");
    document.getElementById("nothing").hidden = sum.encounters > 0;
    facts(document.getElementById("helped"), [
      ["Patients helped", number(sum.patients)],
      ["Encounters", number(sum.encounters)],
      ["Procedures", number(sum.procedures)],
    ]);
    showMonths(rows);
    showHospitals();
  }

  fill(from);
  fill(to);
  read();
  show();
  window.addEventListener("hashchange", function () {
    read();
    show();
  });
})();
