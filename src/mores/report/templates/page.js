// Enhancement only: without it everything is shown and nothing is filtered.
(function () {
  "use strict";
  var form = document.getElementById("filters");
  if (form) {
    var questions = Array.from(document.querySelectorAll(".question"));
    var texts = questions.map(function (q) { return q.textContent.toLowerCase(); });
    var output = form.querySelector("output");
    var apply = function () {
      var data = new FormData(form);
      var arms = data.getAll("arm");
      var flag = data.get("flag");
      var words = String(data.get("text") || "").trim().toLowerCase();
      var shown = 0;
      questions.forEach(function (question, i) {
        var any = false;
        question.querySelectorAll(".card").forEach(function (card) {
          var some = false;
          card.querySelectorAll(".draw").forEach(function (draw) {
            var flags = " " + draw.dataset.flags + " ";
            draw.hidden = Boolean(flag) && flags.indexOf(" " + flag + " ") < 0;
            if (!draw.hidden) {
              some = true;
              var more = draw.closest("details");
              if (flag && more) { more.open = true; }
            }
          });
          card.querySelectorAll("details").forEach(function (more) {
            more.hidden = !more.querySelector(".draw:not([hidden])");
          });
          card.hidden = !some || arms.indexOf(card.dataset.arm) < 0;
          any = any || !card.hidden;
        });
        question.hidden = !any ||
          (data.get("category") && question.dataset.category !== data.get("category")) ||
          (data.get("kind") && question.dataset.kind !== data.get("kind")) ||
          (words && texts[i].indexOf(words) < 0);
        if (!question.hidden) { shown += 1; }
      });
      output.textContent = shown + " of " + questions.length + " prompts shown";
    };
    form.hidden = false;
    form.addEventListener("input", apply);
    form.addEventListener("reset", function () { setTimeout(apply); });
    form.addEventListener("submit", function (event) { event.preventDefault(); });
    apply();
  }
  var closed = [];
  addEventListener("beforeprint", function () {
    closed = Array.from(document.querySelectorAll("details:not([open])"));
    closed.forEach(function (d) { d.open = true; });
  });
  addEventListener("afterprint", function () {
    closed.forEach(function (d) { d.open = false; });
  });
  var links = new Map();
  document.querySelectorAll("nav.contents a").forEach(function (a) {
    links.set(a.hash.slice(1), a);
  });
  if ("IntersectionObserver" in window) {
    var observer = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (!entry.isIntersecting) { return; }
        links.forEach(function (a) { a.removeAttribute("aria-current"); });
        links.get(entry.target.id).setAttribute("aria-current", "true");
      });
    }, { rootMargin: "-10% 0px -80% 0px" });
    links.forEach(function (a, id) { observer.observe(document.getElementById(id)); });
  }
})();
