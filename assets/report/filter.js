(() => {
  const form = document.querySelector(".filter"), all = [...document.querySelectorAll(".finding")];
  const fine = new Set(["ok", "skipped", "ignored", "confirmed"]);
  const show = () => {
    const words = form.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const one of all) {
      const section = one.closest("section"), text = (section.querySelector("h2").textContent + " " + one.textContent).toLowerCase();
      const fits = words.every((w) => text.includes(w)) && !(form.wrong.checked && fine.has(one.dataset.verdict));
      one.hidden = !fits;
      shown += fits;
    }
    for (const section of document.querySelectorAll("section.subject")) {
      section.hidden = !section.querySelector(".finding:not([hidden])");
    }
    form.querySelector("output").textContent = `${shown} of ${all.length}`;
  };
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", show);
  show();
})();
